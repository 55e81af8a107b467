//! Orders of the page: begin a run, correct it, end or name a target, freeze the picture of a
//! camera.

use std::sync::Arc;

use anyhow::Context;
use attrax_tracker::BoundingBox;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use clap::ValueEnum;

use super::guard::Query;
use super::run::{Choice, Correction, Given, TARGETS, Target, ViewRun};
use super::site::{Refusal, Shared, Site, refuse, run};
use crate::cli::track::boxes::parse_box;
use crate::cli::track::export::parse_label;
use crate::cli::{core, one_line};

/// Characters of a name at most.
const NAME_LENGTH: usize = 40;

type Done = Result<(), Refusal>;

/// The addresses of orders.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/start", post(start))
        .route("/correct", post(correct))
        .route("/end", post(end))
        .route("/name", post(rename))
        .route("/freeze", post(freeze))
        .route("/thaw", post(thaw))
}

fn bad<T>(reason: String) -> Result<T, Refusal> {
    refuse(StatusCode::BAD_REQUEST, reason)
}

async fn start(State(site): Shared, query: Query) -> Done {
    let run = described(&site, &query).or_else(bad)?;
    site.session.start(run);
    Ok(())
}

async fn correct(State(site): Shared, query: Query) -> Done {
    let given = Given { region: region(&site, query.text("box")).or_else(bad)?, keep: query.number("keep") > 0 };
    let (number, frame) = (query.number("run"), query.number("frame"));
    if site.session.shot(number, frame).is_none() {
        return refuse(StatusCode::NOT_FOUND, "there is no such frame");
    }
    let name = query.name("name").map(|name| usable(&name)).transpose().or_else(bad)?.unwrap_or_default();
    let correction = Correction { target: query.number("target"), name, frame, given };
    site.session.correct(number, &correction).or_else(bad)
}

async fn end(State(site): Shared, query: Query) -> Done {
    let shown = run(&site, &query)?;
    let frame = query.number("frame");
    if frame > shown.next() {
        return refuse(StatusCode::NOT_FOUND, "there is no such frame");
    }
    site.session.end_target(query.number("run"), query.number("target"), frame).or_else(bad)
}

async fn rename(State(site): Shared, query: Query) -> Done {
    let name = query.name("name").map(|name| usable(&name)).transpose().or_else(bad)?.unwrap_or_default();
    site.session.rename(query.number("run"), query.number("target"), &name).or_else(bad)
}

async fn freeze(State(site): Shared, query: Query) -> Done {
    let Some(live) = site.session.clip.live() else { return bad("there is no camera".into()) };
    live.freeze(query.number("tick"));
    site.session.announce();
    Ok(())
}

async fn thaw(State(site): Shared) {
    if let Some(live) = site.session.clip.live() {
        live.thaw();
        site.session.announce();
    }
}

/// The run that a query describes: boxes of targets, and one or two trackers.
fn described(site: &Site, query: &Query) -> Result<ViewRun, String> {
    let mut targets = Vec::new();
    for number in 1..=TARGETS + 1 {
        let key = |name: &str| if number == 1 { name.to_string() } else { format!("{name}{number}") };
        let text = query.text(&key("box"));
        if number > 1 && text.is_none() {
            break;
        }
        if number > TARGETS {
            return Err(format!("the page follows {TARGETS} targets at most; attrax track has no limit"));
        }
        let from = match query.text(&key("from")).map(str::parse::<usize>) {
            None => 0,
            Some(Ok(from)) => from,
            Some(Err(_)) => return Err(format!("{}: a whole number is needed", key("from"))),
        };
        if let Some(count) = site.session.clip.count.filter(|count| from >= *count) {
            return Err(format!("the clip has {count} frames"));
        }
        let name = query.name(&key("name")).map(|name| usable(&name)).transpose()?.unwrap_or_default();
        targets.push(Target::new(name, from, region(site, text)?));
    }
    if let Some(live) = site.session.clip.live() {
        if let Some(reason) = live.ended() {
            return Err(if reason.is_empty() { "the camera has ended".into() } else { reason });
        }
        if live.frozen().is_none() {
            return Err("freeze a picture first: the boxes are of that picture".into());
        }
        if targets.iter().any(|target| target.begin() > 0) {
            return Err("a run of a camera begins with the frozen picture".into());
        }
    }
    let mut trackers = vec![tracker(site, query.text("preset").unwrap_or_default(), query.text("lambda"))?];
    if let Some(preset) = query.text("also") {
        if targets.len() > 1 {
            return Err("several targets are followed by one tracker; switch the second one off".into());
        }
        trackers.push(tracker(site, preset, query.text("also_lambda"))?);
    }
    // In the order of `attrax track`.
    targets.sort_by_key(Target::begin);
    let from = targets.iter().map(Target::begin).min().unwrap_or_default();
    Ok(ViewRun { targets, trackers, maps: query.number("maps") > 0, from, shots: Vec::new() })
}

/// A box that a target can be learnt from.
fn region(site: &Site, text: Option<&str>) -> Result<BoundingBox, String> {
    let region = parse_box(text.unwrap_or_default())?;
    site.session.clip.frame.initial_region(region).context("the box").map_err(|error| one_line(&error))?;
    Ok(region)
}

/// A tracker: the command's flags, but for preset and lambda.
fn tracker(site: &Site, preset: &str, lambda: Option<&str>) -> Result<Choice, String> {
    let chosen = core::Preset::from_str(preset, false).map_err(|_| format!("there is no preset '{preset}'"))?;
    let lambda = lambda.map(core::parse_lambda).transpose()?;
    let flags = core::Args { lambda, ..site.flags.of_preset(chosen) };
    let config = flags.config().map_err(|error| one_line(&error))?;
    Ok(Choice { preset: preset.to_string(), lambda, config })
}

/// A name that exports can hold; an empty one stands for none.
fn usable(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.chars().count() > NAME_LENGTH {
        return Err(format!("a name has {NAME_LENGTH} characters at most"));
    }
    if name.is_empty() { Ok(String::new()) } else { parse_label(name) }
}
