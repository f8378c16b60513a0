//! `nanozk freeze`.

use super::Chain;
use crate::args::FreezeArgs;
use crate::output::Out;
use anyhow::Result;
use nanozk_chain::bindings::registry;
use nanozk_chain::client::Call;

pub(in crate::commands) fn freeze(args: &FreezeArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let to = chain.address("ModelRegistry")?;
    let verifier = match args.verifier {
        Some(verifier) => verifier,
        None => chain.address("FinalVerifier")?,
    };
    if chain
        .client
        .read(to, &registry::isFrozenCall { verifier })?
    {
        chain.already(&format!("the verifier {verifier} is frozen"));
        return Ok(());
    }
    let call = registry::freezeCall {
        verifier,
        reason: args.reason.clone(),
    };
    chain.send(&Call::new("freezing the verifier for ever", to, &call))?;
    Ok(())
}
