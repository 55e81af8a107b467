//! Pictures that the page requests: frames, maps, and those of a live source.

use std::io::Cursor;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use image::ImageFormat;

use super::guard::Query;
use super::site::{Answer, Content, Refusal, Shared, Site, blocking, refuse};
use super::worker::{decode, encode};
use crate::cli::track::panel::{Row, Sight};

const JPEG: &str = "image/jpeg";

/// The addresses of pictures.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/browse", get(browse))
        .route("/frame", get(frame))
        .route("/attention", get(async |site: Shared, query: Query| map(&site, Sight::Attention, &query).await))
        .route("/scores", get(async |site: Shared, query: Query| map(&site, Sight::Scores, &query).await))
        .route("/live", get(live))
        .route("/frozen", get(frozen))
}

fn missing<T>() -> Result<T, Refusal> {
    refuse(StatusCode::NOT_FOUND, "there is no such frame")
}

/// A frame of the clip, whether it is tracked or not.
async fn browse(State(site): Shared, query: Query) -> Answer {
    let (session, number) = (Arc::clone(&site.session), query.number("frame"));
    if session.clip.live().is_some() {
        return missing();
    }
    if number == 0 {
        return Ok(Content(JPEG, session.clip.first.clone()));
    }
    let frame = blocking(&site.drawing, move |abandoned| match session.clip.reel() {
        Some(reel) => reel.frame(number, abandoned),
        None => Ok(None),
    });
    frame.await?.map_or_else(missing, |jpeg| Ok(Content(JPEG, jpeg)))
}

/// A frame of a run.
async fn frame(State(site): Shared, query: Query) -> Answer {
    let shot = site.session.shot(query.number("run"), query.number("frame"));
    shot.map_or_else(missing, |shot| Ok(Content(JPEG, shot.picture.jpeg.clone())))
}

/// The newest frame of a live source.
async fn live(State(site): Shared, query: Query) -> Result<Response, Refusal> {
    let (session, tick) = (Arc::clone(&site.session), query.number("tick"));
    let jpeg = blocking(&site.drawing, move |_| match session.clip.live() {
        Some(live) => encode(&live.show(tick).frame).map(Some),
        None => Ok(None),
    });
    let Some(jpeg) = jpeg.await? else { return missing() };
    // The same address has another picture later: only `Content` may be kept.
    Ok(([(axum::http::header::CONTENT_TYPE, JPEG)], jpeg).into_response())
}

/// The frozen picture of a live source.
async fn frozen(State(site): Shared, query: Query) -> Answer {
    let frozen = site.session.clip.live().and_then(|live| live.frozen());
    match frozen.filter(|frozen| frozen.number == query.number("picture")) {
        Some(frozen) => Ok(Content(JPEG, encode(&frozen.frame)?)),
        None => missing(),
    }
}

/// A map of a frame, drawn for this request.
async fn map(State(site): &Shared, sight: Sight, query: &Query) -> Answer {
    let (frame, line) = (query.number("frame"), query.number("tracker"));
    let shot = site.session.shot(query.number("run"), frame).filter(|shot| shot.of(line).is_some());
    let Some(shot) = shot else { return missing() };
    if shot.of(line).is_none_or(|observed| observed.maps.is_none()) {
        return refuse(StatusCode::NOT_FOUND, "there are no maps");
    }
    let session = Arc::clone(&site.session);
    let drawn = blocking(&site.drawing, move |_| {
        let observed = shot.of(line).context("there is no such frame")?;
        let maps = observed.maps.as_ref().context("there are no maps")?;
        let truth = session.clip.truth.as_ref().and_then(|truth| truth.region(frame));
        let row = Row { name: "", estimate: observed.estimate, overlap: None, maps };
        let mut bytes = Cursor::new(Vec::new());
        let picture = sight.picture(&decode(&shot.picture.jpeg)?, truth.as_ref(), &row);
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    });
    Ok(Content("image/png", drawn.await?))
}
