//! The answers: the page's files, the state of the run, pictures, and what is saved.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::guard::{Query, local, of_one_page, with_token};
use super::run::{TARGETS, ViewRun};
use super::session::Session;
use super::{command, export, orders, pictures, save};
use crate::cli::track::name_of;
use crate::cli::{core, one_line};

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/view.css");
/// The scripts, each for one part of the page.
const SCRIPTS: [(&str, &str); 7] = [
    ("/view.js", include_str!("page/view.js")),
    ("/targets.js", include_str!("page/targets.js")),
    ("/box.js", include_str!("page/box.js")),
    ("/chart.js", include_str!("page/chart.js")),
    ("/stage.js", include_str!("page/stage.js")),
    ("/camera.js", include_str!("page/camera.js")),
    ("/controls.js", include_str!("page/controls.js")),
];

/// Maps that are drawn at the same time.
const DRAWN: usize = 2;

/// The page and what it may request.
pub struct Site {
    token: String,
    path: PathBuf,
    /// The flags of the command.
    pub flags: core::Args,
    /// The state that the page shares with the tracking thread.
    pub session: Arc<Session>,
    /// Permits to draw pictures.
    pub drawing: Semaphore,
    saving: Semaphore,
}

/// A kind of content and its bytes.
pub struct Content(pub &'static str, pub Vec<u8>);

/// A status and a reason.
pub struct Refusal(pub StatusCode, pub String);

/// The answer to a request.
pub type Answer = Result<Content, Refusal>;

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
    /// A page about the clip at `path`, for clients that have the token. `flags` are those of the
    /// command, the page's first settings.
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
            .merge(pictures::routes())
            .merge(orders::routes())
            .route("/command", get(repeat))
            .route("/boxes", get(boxes))
            .route("/export", get(exported))
            .route("/video", get(video))
            .route("/go", post(async |site: Shared| site.session.go(true)))
            .route("/pause", post(async |site: Shared| site.session.go(false)))
            .route("/step", post(async |site: Shared| site.session.step()))
            .route("/stop", post(async |site: Shared| site.session.stop()))
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
}

/// What was tracked in another format.
async fn exported(State(site): Shared, query: Query) -> Answer {
    let (run, session) = (run(&site, &query)?, Arc::clone(&site.session));
    let format = export::format(query.text("format").unwrap_or_default());
    let format = format.or_else(|reason| refuse(StatusCode::BAD_REQUEST, reason))?;
    let target = query.number("target");
    if target >= run.targets.len() || run.shots.is_empty() {
        return refuse(StatusCode::NOT_FOUND, "there is no such target");
    }
    let exported = blocking(&site.saving, move |_| export::export(&session, &run, format, target)).await?;
    Ok(Content("application/octet-stream", exported))
}

/// The page's scripts by address.
fn scripts() -> Router<Arc<Site>> {
    SCRIPTS.iter().fold(Router::new(), |router, (path, script)| {
        router.route(path, get(async || Content("text/javascript; charset=utf-8", (*script).into())))
    })
}

/// What a handler is given.
pub type Shared = State<Arc<Site>>;

/// What the page shows before anything is tracked.
async fn about(State(site): Shared) -> Content {
    let clip = &site.session.clip;
    let presets = core::Preset::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .map(|preset| json!({ "name": preset.get_name(), "help": preset.get_help().map(ToString::to_string) }));
    json(&json!({
        "name": clip.name, "count": clip.count, "width": clip.size.0, "height": clip.size.1,
        "targets": site.session.targets(), "most": TARGETS, "rate": clip.rate, "live": clip.live().is_some(),
        "truth": clip.truth.is_some(), "presets": presets.collect::<Vec<_>>(),
        "preset": name_of(site.flags.preset), "lambda": site.flags.lambda,
    }))
}

async fn news(State(site): Shared, query: Query) -> Content {
    site.session.wait_for_news(query.number("since")).await;
    json(&site.session.news(query.number("run"), query.number("from")))
}

/// The command line that repeats a run.
async fn repeat(State(site): Shared, query: Query) -> Answer {
    let run = run(&site, &query)?;
    let line = command::repeat(&site.path, &site.flags, &run, site.session.clip.live().is_some());
    Ok(json(&json!({ "line": line.as_ref().ok(), "reason": line.as_ref().err() })))
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

/// The run that a query names.
pub fn run(site: &Site, query: &Query) -> Result<ViewRun, Refusal> {
    site.session.run(query.number("run")).map_or_else(|| refuse(StatusCode::NOT_FOUND, "there is no such run"), Ok)
}

fn json(value: &Value) -> Content {
    Content("application/json", value.to_string().into_bytes())
}

/// Does work on a thread of its own, when `turn` has a permit. The work sees whether its client is
/// gone.
pub async fn blocking<T: Send + 'static>(
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
