//! Files of claims that are sent by HTTP.

use super::*;

/// Files of a claim that may be sent.
pub(super) const FILES: [&str; 7] = [
    "manifest.json",
    "signatures.json",
    "claim.json",
    "output.json",
    "final.json",
    "request.json",
    "secret.json",
];

/// The file is not what its name says.
fn unfit(file: &str, reason: impl std::fmt::Display) -> Failure {
    Failure::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "NZK502",
        format!("{file}: {reason}"),
    )
}

/// Refuses what is not of a file's type, or of another claim.
pub(super) fn check_file(file: &str, id: B256, body: &[u8]) -> Result<(), Error> {
    pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(body).map_err(|e| Error::Files(e.to_string()))
    }
    let has_format = |got: String, expected: &'static str| match got == expected {
        true => Ok(()),
        false => Err(nanozk_chain::Error::Format { expected, got }.into()),
    };
    let is_of = |claim: B256| match claim == id {
        true => Ok(()),
        false => Err(Error::Files(format!(
            "it belongs to claim {claim}, not {id}"
        ))),
    };
    match file {
        "manifest.json" => checked_manifest(body).map(drop).map_err(Error::Files),
        "signatures.json" => has_format(parse::<SignatureFile>(body)?.format, SIGNATURES_FORMAT),
        "claim.json" => {
            let claim = claim_of(body).map_err(Error::Files)?;
            is_of(claim.context.claim.0.into())
        }
        "output.json" => Ok(parse::<OutputFile>(body)?.check()?),
        "final.json" => final_of(body).map(drop).map_err(Error::Files),
        "request.json" => {
            let request: RequestFile = parse(body)?;
            is_of(request.job)?;
            Ok(request.check()?)
        }
        // Its type is the prover's, which is not linked.
        _ => parse::<Map<String, Value>>(body).map(drop),
    }
}

/// Sends a file of a session or a request
///
/// Of a session: manifest.json, claim.json, and signatures.json or the relayer has the provider's key; output.json
/// and final.json if there are any. Of a request: request.json, and secret.json if the provider disclosed it. The claim is
/// taken up as soon as its files are complete. Sending a file again replaces it.
#[utoipa::path(put, path = "/v1/claims/{id}/{file}",
    params(("id" = String, Path, description = "id of the claim"), ("file" = String, Path, description = "name of the file")),
    request_body(content = String, content_type = "application/json"),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 409, body = Problem),
              (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_file(
    State(shared): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Failure> {
    let (Path((id, file)), body) = (path?, body?);
    let id = id_of(&id)?;
    if !FILES.contains(&file.as_str()) {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "NZK501",
            format!(
                "{file:?} is not a file of a claim: send one of {}",
                FILES.join(", ")
            ),
        ));
    }
    let directory = place(&shared, id).await?;
    block_in_place(|| check_file(&file, id, &body)).map_err(|e| unfit(&file, e))?;
    store_file(&shared, id, &directory, &file, &body)
}

/// Nothing is begun once the relayer was told to end.
pub(super) fn working(shared: &Shared) -> Result<(), Failure> {
    match shared.phase() {
        Phase::Working => Ok(()),
        _ => Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "NZK503",
            "the relayer is ending",
        )),
    }
}

/// Where a claim's files are, or will be.
async fn place(shared: &Shared, id: B256) -> Result<PathBuf, Failure> {
    working(shared)?;
    let directory = match shared.store.claim(id).await? {
        Some(row) => PathBuf::from(row.directory),
        None => shared.config.inbox.join(id.to_string()),
    };
    if directory.is_file() {
        return Err(Failure::new(
            StatusCode::CONFLICT,
            "NZK502",
            format!(
                "the claim came in as the file {}, which nothing can be put into: make it a directory",
                directory.display()
            ),
        ));
    }
    Ok(directory)
}

/// Writes a file whole and for good.
pub(super) fn write_durably(
    directory: &FilePath,
    path: &FilePath,
    body: &[u8],
) -> std::io::Result<()> {
    use std::io::Write;
    let parent = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(parent)?;
    let mut new = tempfile::NamedTempFile::new_in(parent)?;
    new.write_all(body)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|e| e.error)?;
    // A name is in its folder: that of the file, and those of folders that may be new.
    let folders = [Some(parent), Some(directory), directory.parent()];
    for folder in folders.into_iter().flatten() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Writes a file, and has its claim looked at again.
fn store_file(
    shared: &App,
    id: B256,
    directory: &FilePath,
    file: &str,
    body: &[u8],
) -> Result<StatusCode, Failure> {
    let path = directory.join(file);
    block_in_place(|| write_durably(directory, &path, body)).map_err(|e| {
        Failure::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "NZK401",
            format!("cannot write {}: {e}", path.display()),
        )
    })?;
    let shared = shared.clone();
    tokio::spawn(async move {
        // A look that fails is repeated anyway.
        let _ = shared.store.touch(&[id]).await;
        shared.wake.notify_one();
    });
    Ok(StatusCode::NO_CONTENT)
}
