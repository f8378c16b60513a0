//! `nanozk importance`.
use crate::args::ImportanceArgs;
use crate::output::Out;
use anyhow::Result;
pub(super) fn importance(_args: &ImportanceArgs, _out: &Out) -> Result<()> {
    unreachable!()
}
