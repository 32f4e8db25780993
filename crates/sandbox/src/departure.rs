//! How answers leave: whole, packed where the client takes it, in pieces, or not at all.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt};

use super::reply::Reply;

/// In how many pieces an answer drips.
const DROPS: u32 = 20;
/// Answers smaller than this are not packed: to set a packer up takes longer than to make the answer, and a rehearsal makes
/// one for each row. Lists are larger.
const WORTH_PACKING: usize = 16 * 1024;
/// The header by which a client knows a sandbox and its tenant.
const INSTANCE: &str = "x-deskferry-sandbox";

/// How an answer leaves.
#[derive(Debug)]
pub(super) enum Departure {
    Whole(Reply),
    Truncated(Reply),
    /// In small pieces, over this time.
    Dripping(Reply, Duration),
    Cut,
}

/// The answer as HTTP. With `packs` the client takes gzip.
pub(super) fn respond(departure: Departure, instance: HeaderValue, packs: bool) -> Response {
    let (reply, pieces) = match departure {
        Departure::Whole(reply) if packs => (packed(reply), None),
        Departure::Whole(reply) => (reply, None),
        Departure::Truncated(reply) => {
            let half = Bytes::copy_from_slice(&reply.body[..reply.body.len() / 2]);
            let broken: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
            let pieces = futures::stream::iter([Ok(half), broken]);
            (reply, Some(Body::from_stream(pieces)))
        }
        Departure::Dripping(reply, time) => {
            let drops = drops(&reply.body, time);
            (reply, Some(Body::from_stream(drops)))
        }
        // Never seen: the connection fails at the first byte of it.
        Departure::Cut => (Reply::text(500, "text/plain", String::new()), None),
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header(header::CONTENT_TYPE, &reply.content_type)
        .header(INSTANCE, instance);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = match pieces {
        Some(pieces) => {
            response = response.header(header::CONTENT_LENGTH, reply.body.len());
            pieces
        }
        None => Body::from(reply.body),
    };
    response
        .body(body)
        .expect("the sandbox's own headers are valid")
}

/// Whether an `Accept-Encoding` takes gzip.
pub(super) fn takes_gzip(header: Option<&str>) -> bool {
    header.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.trim().strip_prefix("q=").is_some_and(|weight| {
            weight
                .trim()
                .parse::<f32>()
                .is_ok_and(|weight| weight <= 0.0)
        });
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

fn packed(reply: Reply) -> Reply {
    if reply.body.len() < WORTH_PACKING {
        return reply;
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let written = packer.write_all(&reply.body);
    // Writing to memory does not fail; should it ever, the answer leaves as it is.
    match written.and_then(|()| packer.finish()) {
        Ok(body) => Reply { body, ..reply }
            .with("content-encoding", "gzip")
            .with("vary", "accept-encoding"),
        Err(_) => reply,
    }
}

/// A body in pieces that come one after another over this time.
fn drops(body: &[u8], time: Duration) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let body = Bytes::copy_from_slice(body);
    let size = body.len().div_ceil(DROPS as usize).max(1);
    let pieces: Vec<Bytes> = (0..body.len())
        .step_by(size)
        .map(|from| body.slice(from..(from + size).min(body.len())))
        .collect();
    futures::stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(time / DROPS).await;
        Ok(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named_and_not_refused() {
        assert!(takes_gzip(Some("deflate, GZIP;q=0.5")));
        assert!(!takes_gzip(Some("gzip;q=0, br")));
        assert!(!takes_gzip(None));
    }
}
