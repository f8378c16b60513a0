//! What `packages/python` wraps: JSON in, JSON out.

#![allow(
    missing_docs,
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    reason = "what Python's interpreter calls is made by a macro"
)]

use nanozk_chain::answer::Answer;
use pyo3::prelude::*;
use serde_json::json;

/// Judges a final proof ([`nanozk_verifier::verdict`]).
#[pyfunction]
fn verdict(py: Python<'_>, question: &str) -> String {
    py.detach(|| nanozk_verifier::verdict::verdict(question))
}

/// Judges an answer with a receipt, or a receipt alone: what was signed and by whom, or the reason why it is worth nothing.
#[pyfunction]
fn receipt(py: Python<'_>, answer: &str) -> String {
    py.detach(|| {
        let judged = judge(answer);
        let said = judged.unwrap_or_else(|reason| json!({ "accepted": false, "reason": reason }));
        said.to_string()
    })
}

fn judge(answer: &str) -> Result<serde_json::Value, String> {
    let value = serde_json::from_str(answer).map_err(|e| format!("the input: {e}"))?;
    let Answer { signed, text } = Answer::from_json(value).map_err(|e| e.to_string())?;
    let checked = signed.check()?;
    let opening = signed.opening();
    let (text, is_cut) = text.map_or((None, false), |(text, is_cut)| (Some(text), is_cut));
    Ok(json!({
        "accepted": true,
        "provider": checked.provider,
        "model_id": checked.model_id,
        "digest": checked.digest,
        "prompt_tokens": opening.prompt,
        "generated_tokens": opening.generated,
        "text": text,
        "is_cut": is_cut,
        "receipt": checked.receipt,
    }))
}

#[pymodule]
fn _nanozk(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(verdict, module)?)?;
    module.add_function(wrap_pyfunction!(receipt, module)?)
}
