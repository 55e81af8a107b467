//! The answers: the page's files, the state of the run, pictures, and what is saved.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clap::ValueEnum;
use image::ImageFormat;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::guard::{Query, local, of_one_page, with_token};
use super::run::{Choice, Order, Run};
use super::session::Session;
use super::{command, save, worker};
use crate::cli::track::boxes::parse_box;
use crate::cli::track::name_of;
use crate::cli::track::panel::{Row, Sight};
use crate::cli::{core, one_line};

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/view.css");
/// The scripts, each for one part of the page.
const SCRIPTS: [(&str, &str); 5] = [
    ("/view.js", include_str!("page/view.js")),
    ("/box.js", include_str!("page/box.js")),
    ("/chart.js", include_str!("page/chart.js")),
    ("/stage.js", include_str!("page/stage.js")),
    ("/controls.js", include_str!("page/controls.js")),
];

/// Maps that are drawn at the same time.
const DRAWN: usize = 2;

/// The page and what it may request.
pub struct Site {
    token: String,
    path: PathBuf,
    flags: core::Args,
    /// The state that the page shares with the tracking thread.
    pub session: Arc<Session>,
    drawing: Semaphore,
    saving: Semaphore,
}

/// A kind of content and its bytes.
pub struct Content(&'static str, Vec<u8>);

/// A status and a reason.
pub struct Refusal(pub StatusCode, pub String);

type Answer = Result<Content, Refusal>;

/// The answer to a request that cannot be met.
pub fn refuse<T>(status: StatusCode, reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(status, reason.into()))
}

impl IntoResponse for Content {
    fn into_response(self) -> Response {
        let mut response = ([(header::CONTENT_TYPE, self.0)], self.1).into_response();
        if self.0.starts_with("image/") {
            // Pictures of a frame never change; runs are numbered.
            let keep = HeaderValue::from_static("private, max-age=86400, immutable");
            response.headers_mut().insert(header::CACHE_CONTROL, keep);
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, one_line(&error))
    }
}

impl Site {
    /// A page about the clip at `path`, for clients that have the token. `flags` are those of the command, the page's first
    /// settings.
    pub fn new(token: String, path: PathBuf, flags: core::Args, session: Arc<Session>) -> Self {
        Self { token, path, flags, session, drawing: Semaphore::new(DRAWN), saving: Semaphore::new(1) }
    }

    /// Whether a text is the token.
    pub fn is_token(&self, text: Option<&str>) -> bool {
        text == Some(&self.token)
    }

    /// Every address that is answered.
    pub fn router(self: Arc<Self>) -> Router {
        let of_page = Router::new()
            .route("/about", get(about))
            .route("/news", get(news))
            .route("/browse", get(browse))
            .route("/command", get(repeat))
            .route("/frame", get(frame))
            .route("/attention", get(attention))
            .route("/scores", get(scores))
            .route("/boxes", get(boxes))
            .route("/video", get(video))
            .route("/start", post(start))
            .route("/correct", post(correct))
            .route("/go", post(async |site: Shared| site.session.go(true)))
            .route("/pause", post(async |site: Shared| site.session.go(false)))
            .route("/step", post(async |site: Shared| site.session.step()))
            .route("/leave", post(async |site: Shared| site.session.leave()))
            .fallback(async || Refusal(StatusCode::NOT_FOUND, "there is nothing of that name".into()))
            .layer(from_fn_with_state(Arc::clone(&self), of_one_page));
        let secret = of_page
            .route("/", get(async || Content("text/html; charset=utf-8", PAGE.into())))
            .layer(from_fn_with_state(Arc::clone(&self), with_token));
        secret
            // Files of the page without any secret.
            .route("/view.css", get(async || Content("text/css; charset=utf-8", STYLE.into())))
            .merge(scripts())
            .layer(from_fn_with_state(Arc::clone(&self), local))
            .with_state(self)
    }

    /// The run that a query describes: a box, and one or two trackers.
    fn order(&self, query: &Query) -> Result<Order, String> {
        let from = query.number("from");
        if let Some(count) = self.session.clip.count.filter(|count| from >= *count) {
            return Err(format!("the clip has {count} frames"));
        }
        let region = parse_box(query.text("box").unwrap_or_default())?;
        let mut trackers = vec![self.tracker(query.text("preset").unwrap_or_default(), query.text("lambda"))?];
        if let Some(preset) = query.text("also") {
            trackers.push(self.tracker(preset, query.text("also_lambda"))?);
        }
        let given = BTreeMap::from([(from, region)]);
        Ok(Order { from, region, given, trackers, maps: query.number("maps") > 0 })
    }

    /// A tracker: the command's flags, but for preset and lambda.
    fn tracker(&self, preset: &str, lambda: Option<&str>) -> Result<Choice, String> {
        let chosen = core::Preset::from_str(preset, false).map_err(|_| format!("there is no preset '{preset}'"))?;
        let lambda = lambda.map(core::parse_lambda).transpose()?;
        let flags = core::Args { lambda, ..self.flags.of_preset(chosen) };
        let config = flags.config().map_err(|error| one_line(&error))?;
        Ok(Choice { preset: preset.to_string(), lambda, config })
    }

    /// A map of a frame, drawn for this request.
    async fn map(&self, sight: Sight, query: &Query) -> Answer {
        let (frame, tracker) = (query.number("frame"), query.number("tracker"));
        let shot = self.session.shot(query.number("run"), frame).filter(|shot| tracker < shot.observed.len());
        let Some(shot) = shot else { return refuse(StatusCode::NOT_FOUND, "there is no such frame") };
        if shot.observed[tracker].maps.is_none() {
            return refuse(StatusCode::NOT_FOUND, "there are no maps");
        }
        let session = Arc::clone(&self.session);
        let drawn = blocking(&self.drawing, move |_| {
            let observed = &shot.observed[tracker];
            let maps = observed.maps.as_ref().context("there are no maps")?;
            let truth = session.clip.truth.as_ref().and_then(|truth| truth.region(frame));
            let row = Row { name: "", estimate: observed.estimate, overlap: None, maps };
            let mut bytes = Cursor::new(Vec::new());
            sight.picture(&worker::decode(&shot.jpeg)?, truth.as_ref(), &row).write_to(&mut bytes, ImageFormat::Png)?;
            Ok(bytes.into_inner())
        });
        Ok(Content("image/png", drawn.await?))
    }
}

/// The page's scripts by address.
fn scripts() -> Router<Arc<Site>> {
    SCRIPTS.iter().fold(Router::new(), |router, (path, script)| {
        router.route(path, get(async || Content("text/javascript; charset=utf-8", (*script).into())))
    })
}

type Shared = State<Arc<Site>>;

/// What the page shows before anything is tracked.
async fn about(State(site): Shared) -> Content {
    let (clip, given) = (&site.session.clip, site.session.region());
    let presets = core::Preset::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .map(|preset| json!({ "name": preset.get_name(), "help": preset.get_help().map(ToString::to_string) }));
    json(&json!({
        "name": clip.name, "count": clip.count, "width": clip.size.0, "height": clip.size.1,
        "box": given.map(|(_, b)| [b.x, b.y, b.width, b.height]), "from": given.map_or(0, |(from, _)| from), "rate": clip.rate,
        "truth": clip.truth.is_some(), "presets": presets.collect::<Vec<_>>(),
        "preset": name_of(site.flags.preset), "lambda": site.flags.lambda,
    }))
}

async fn news(State(site): Shared, query: Query) -> Content {
    site.session.wait_for_news(query.number("since")).await;
    json(&site.session.news(query.number("run"), query.number("from")))
}

/// A frame of the clip, whether it is tracked or not.
async fn browse(State(site): Shared, query: Query) -> Answer {
    let (session, number) = (Arc::clone(&site.session), query.number("frame"));
    if number == 0 {
        return Ok(Content("image/jpeg", session.clip.first.clone()));
    }
    match blocking(&site.drawing, move |abandoned| session.clip.reel.frame(number, abandoned)).await? {
        Some(jpeg) => Ok(Content("image/jpeg", jpeg)),
        None => refuse(StatusCode::NOT_FOUND, "there is no such frame"),
    }
}

/// The command line that repeats a run.
async fn repeat(State(site): Shared, query: Query) -> Answer {
    let run = run(&site, &query)?;
    let Some(order) = site.session.last() else { return refuse(StatusCode::NOT_FOUND, "there is no run") };
    let line = command::repeat(&site.path, &site.flags, &order, &run);
    Ok(json(&json!({ "line": line.as_ref().ok(), "reason": line.as_ref().err() })))
}

async fn frame(State(site): Shared, query: Query) -> Answer {
    match site.session.shot(query.number("run"), query.number("frame")) {
        Some(shot) => Ok(Content("image/jpeg", shot.jpeg.clone())),
        None => refuse(StatusCode::NOT_FOUND, "there is no such frame"),
    }
}

async fn attention(State(site): Shared, query: Query) -> Answer {
    site.map(Sight::Attention, &query).await
}

async fn scores(State(site): Shared, query: Query) -> Answer {
    site.map(Sight::Scores, &query).await
}

async fn boxes(State(site): Shared, query: Query) -> Answer {
    let run = run(&site, &query)?;
    Ok(Content("text/csv; charset=utf-8", save::boxes(&run).into_bytes()))
}

async fn video(State(site): Shared, query: Query) -> Answer {
    let (run, session) = (run(&site, &query)?, Arc::clone(&site.session));
    let of_maps = query.number("maps") > 0;
    let video = blocking(&site.saving, move |abandoned| save::video(&session, &run, of_maps, abandoned));
    Ok(Content("video/mp4", video.await?))
}

async fn start(State(site): Shared, query: Query) -> Result<(), Refusal> {
    let order = site.order(&query).or_else(|reason| refuse(StatusCode::BAD_REQUEST, reason))?;
    site.session.start(order);
    Ok(())
}

async fn correct(State(site): Shared, query: Query) -> Result<(), Refusal> {
    let region = parse_box(query.text("box").unwrap_or_default());
    let region = region.or_else(|reason| refuse(StatusCode::BAD_REQUEST, reason))?;
    if site.session.correct(query.number("run"), query.number("frame"), region, query.number("keep") > 0) {
        Ok(())
    } else {
        refuse(StatusCode::NOT_FOUND, "there is no such frame")
    }
}

fn run(site: &Site, query: &Query) -> Result<Run, Refusal> {
    site.session.run(query.number("run")).map_or_else(|| refuse(StatusCode::NOT_FOUND, "there is no such run"), Ok)
}

fn json(value: &Value) -> Content {
    Content("application/json", value.to_string().into_bytes())
}

/// Work on a thread of its own, when `turn` has a permit. The work sees whether its client is gone.
async fn blocking<T: Send + 'static>(
    turn: &Semaphore,
    work: impl FnOnce(&AtomicBool) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    struct Client(Arc<AtomicBool>);
    impl Drop for Client {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let _permit = turn.acquire().await?;
    let client = Client(Arc::default());
    let abandoned = Arc::clone(&client.0);
    tokio::task::spawn_blocking(move || work(&abandoned)).await?
}
