//! `nanozk soundness`.
use crate::args::SoundnessArgs;
use crate::output::Out;
use anyhow::Result;
pub(super) fn soundness(_args: &SoundnessArgs, _out: &Out) -> Result<()> {
    unreachable!()
}
