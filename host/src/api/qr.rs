//! Texts as QR codes, for phones and second machines.

use std::fmt::Write;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Problem;
use super::extract::Query;

/// The longest text, in bytes: a code of it can still be read off a screen.
const TEXT_MAX_BYTES: usize = 300;

/// The light margin that readers need, in modules (ISO/IEC 18004).
const QUIET_ZONE: i32 = 4;

/// What a QR code is to say.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// 1 to 300 bytes of text.
    #[param(min_length = 1, max_length = 300)]
    text: String,
}

/// A text as a QR code, a black and white picture with the margin that readers need.
#[utoipa::path(
    get, path = "/api/v1/qr", tag = "pages", params(Content),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml"),
        (status = 400, description = "malformed: also where the text is empty or too long"),
    )
)]
pub async fn qr(Query(Content { text }): Query<Content>) -> Result<impl IntoResponse, Problem> {
    let expected = |got: usize| format!("expected 1 to {TEXT_MAX_BYTES} bytes, got {got}");
    if text.is_empty() || text.len() > TEXT_MAX_BYTES {
        return Err(Problem::malformed("text", expected(text.len())));
    }
    let mut buffers = [(); 2].map(|()| vec![0; Version::MAX.buffer_len()]);
    let [scratch, code] = &mut buffers;
    let code =
        QrCode::encode_text(&text, scratch, code, QrCodeEcc::Medium, Version::MIN, Version::MAX, None, true);
    // A code of the largest version holds seven times the longest text.
    let code = code.map_err(|_| Problem::malformed("text", expected(text.len())))?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], picture(&code)))
}

/// The code as a picture: one path with a rectangle for each run of dark modules.
fn picture(code: &QrCode<'_>) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{},{}h{run}v1h-{run}z", x + QUIET_ZONE, y + QUIET_ZONE);
            }
            x += run + 1;
        }
    }
    let size = code.size() + 2 * QUIET_ZONE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>\n"
    )
}
