//! `GET /api-docs`: the OpenAPI documents, and Swagger UI to read and try them. Every byte comes from this program.

use std::io::Read;
use std::sync::OnceLock;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::reply::APPLICATION_JSON;
use crate::app::App;
use crate::gate::refuse_path;
use crate::openapi;

/// The routes of this file.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(explorer_read))
        .routes(routes!(explorer_document_read))
        .routes(routes!(explorer_file_read))
}

/// Open the explorer
#[utoipa::path(
    get,
    path = "/api-docs",
    tag = "explorer",
    responses((status = 200, content_type = "text/html", body = String))
)]
async fn explorer_read() -> Response {
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)).into_response()
}

/// Read the document of all APIs
#[utoipa::path(
    get,
    path = "/api-docs/openapi.json",
    tag = "explorer",
    responses((status = 200, content_type = "application/json", body = Object))
)]
async fn explorer_document_read() -> Response {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| openapi::merged().to_string().into());
    ([(CONTENT_TYPE, APPLICATION_JSON)], document.clone()).into_response()
}

/// Read a file of the explorer, or the document of one API
#[utoipa::path(
    get,
    path = "/api-docs/{file}",
    tag = "explorer",
    params(("file" = String, Path, description = "Name of the file")),
    responses(
        (status = 200, content(
            (Object = "application/json"),
            (String = "text/css"),
            (String = "text/javascript")
        )),
        (status = 404, content_type = "application/problem+json", body = Object)
    )
)]
async fn explorer_file_read(Path(file): Path<String>, headers: HeaderMap) -> Response {
    if let Some((_, media_type, bytes)) = FILES.iter().find(|(name, ..)| *name == file) {
        return asset(media_type, bytes, &headers);
    }
    static DOCUMENTS: OnceLock<Vec<(&str, Bytes)>> = OnceLock::new();
    let documents = DOCUMENTS.get_or_init(|| {
        let documents = openapi::documents().into_iter();
        documents
            .map(|(api, document)| (api, document.to_string().into()))
            .collect()
    });
    let api = file.strip_suffix(".json");
    match documents.iter().find(|(own, _)| Some(*own) == api) {
        Some((_, document)) => {
            ([(CONTENT_TYPE, APPLICATION_JSON)], document.clone()).into_response()
        }
        None => refuse_path(),
    }
}

/// A file that is kept compressed: as it is for those who take that, which all browsers do.
fn asset(media_type: &'static str, gzip: &'static [u8], headers: &HeaderMap) -> Response {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|coding| {
                let coding = coding.trim();
                coding == "gzip" || (coding.starts_with("gzip;") && !coding.ends_with("q=0"))
            })
        })
    });
    let body = if accepted {
        Body::from(gzip)
    } else {
        let mut plain = Vec::new();
        match GzDecoder::new(gzip).read_to_end(&mut plain) {
            Ok(_) => Body::from(plain),
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if accepted {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Names, media types and compressed bytes, as `build.rs` put them together.
const FILES: &[(&str, &str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/explorer.rs"));
const PAGE: &str = include_str!("explorer/index.html");
/// The page may load from here alone. Swagger UI draws its icons as `data:` and sets styles on its elements.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
