//! `nanozk bench`.
use crate::args::BenchLayerArgs;
use crate::data::Data;
use crate::output::Out;
use anyhow::Result;
pub(super) fn layer(_args: &BenchLayerArgs, _data: &Data, _out: &Out) -> Result<()> {
    unreachable!()
}
