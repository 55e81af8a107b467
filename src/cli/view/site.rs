//! What is answered: the page's files, what it asks about the run, pictures, and what is saved.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use image::ImageFormat;
use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};

use super::guard::{Query, foreign};
use super::session::{Order, Session};
use super::{save, worker};
use crate::cli::track::boxes::parse_box;
use crate::cli::track::name_of;
use crate::cli::track::panel::{Row, Sight};
use crate::cli::{core, told};

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/view.css");
const SCRIPT: &str = include_str!("page/view.js");

const AFTER_AN_ERROR: Duration = Duration::from_millis(20);

/// What every answer says to the browser: nothing is loaded from elsewhere, no other page may hold this one, and its address,
/// which has the token, is told to nobody.
const HEADERS: [(&str, &str); 5] = [
    ("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
];

/// The page and what it may ask for.
pub struct Site {
    token: String,
    flags: core::Args,
    session: Arc<Session>,
}

/// A status and a text, or a kind of content and its bytes.
type Answer = Result<(&'static str, Vec<u8>), (u16, String)>;

/// The answer to a bad or late request.
fn no<T>(status: u16, reason: impl Into<String>) -> Result<T, (u16, String)> {
    Err((status, reason.into()))
}

impl Site {
    /// A page for whoever has the token. `flags` are those of the command: what the page begins with.
    pub fn new(token: String, flags: core::Args, session: Arc<Session>) -> Self {
        Self { token, flags, session }
    }

    /// Answers requests for ever.
    pub fn answer_all(&self, server: &Server) -> ! {
        loop {
            let Ok(request) = server.recv() else {
                // Mostly that of one connection, which is gone; where it stays, the loop must not take a whole core.
                std::thread::sleep(AFTER_AN_ERROR);
                continue;
            };
            let answer = self.answer(&request);
            let is_picture = answer.as_ref().is_ok_and(|(kind, _)| kind.starts_with("image/"));
            let (status, kind, bytes) = match answer {
                Ok((kind, bytes)) => (200, kind, bytes),
                Err((status, reason)) => (status, "text/plain; charset=utf-8", reason.into_bytes()),
            };
            let mut response = Response::from_data(bytes).with_status_code(status);
            // Pictures of a frame never change; runs are numbered.
            let keep = if is_picture { "private, max-age=86400, immutable" } else { "no-store" };
            let own = [("Content-Type", kind), ("Cache-Control", keep)];
            for header in HEADERS.iter().chain(&own).filter_map(|(name, value)| Header::from_bytes(*name, *value).ok())
            {
                response.add_header(header);
            }
            // Whoever asked may be gone.
            let _ = request.respond(response);
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        if let Some(reason) = foreign(request) {
            return no(403, reason);
        }
        let (path, query) = Query::split(request.url());
        let asks = *request.method() == Method::Get;
        // Files of the page that hold no secret.
        match (asks, path) {
            (true, "/view.css") => return Ok(("text/css; charset=utf-8", STYLE.into())),
            (true, "/view.js") => return Ok(("text/javascript; charset=utf-8", SCRIPT.into())),
            _ if query.text("token") != Some(&self.token) => {
                return no(403, "The address lacks the token: open the one that attrax view printed.");
            }
            (true, "/") => return Ok(("text/html; charset=utf-8", PAGE.into())),
            _ => {}
        }
        let Some(page) = query.text("page").filter(|page| page.len() <= 64) else { return no(400, "which page?") };
        if !self.session.admit(page) {
            return no(409, "another page is open");
        }
        let answer = match request.method() {
            Method::Get => self.told(path, &query),
            Method::Post => self.done(path, &query),
            _ => no(405, "only GET and POST are answered"),
        };
        self.session.hear(page);
        answer
    }

    /// What the page asks for.
    fn told(&self, path: &str, query: &Query<'_>) -> Answer {
        let session = &self.session;
        let run = || session.run(query.number("run")).map_or_else(|| no(404, "there is no such run"), Ok);
        match path {
            "/about" => Ok(json(&self.about())),
            "/news" => {
                let news = session.news(query.number("since"), query.number("run"), query.number("from"));
                Ok(json(&news))
            }
            "/first" => Ok(("image/jpeg", session.clip.first.clone())),
            "/frame" => match session.shot(query.number("run"), query.number("frame")) {
                Some(shot) => Ok(("image/jpeg", shot.jpeg.clone())),
                None => no(404, "there is no such frame"),
            },
            "/attention" => self.map(Sight::Attention, query),
            "/scores" => self.map(Sight::Scores, query),
            "/boxes" => Ok(("text/csv; charset=utf-8", save::boxes(&run()?).into_bytes())),
            "/video" => save::video(session, &run()?).map(|video| ("video/mp4", video)).or_else(|e| no(500, told(&e))),
            _ => no(404, "there is nothing of that name"),
        }
    }

    /// What the page wants to be done.
    fn done(&self, path: &str, query: &Query<'_>) -> Answer {
        match path {
            "/start" => self.session.start(self.order(query).or_else(|reason| no(400, reason))?),
            "/go" => self.session.go(true),
            "/pause" => self.session.go(false),
            "/step" => self.session.step(),
            "/leave" => self.session.leave(),
            _ => return no(404, "there is nothing of that name"),
        }
        Ok(("text/plain; charset=utf-8", Vec::new()))
    }

    /// What the page shows before anything is tracked.
    fn about(&self) -> Value {
        let clip = &self.session.clip;
        let presets = core::Preset::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .map(|preset| json!({ "name": preset.get_name(), "help": preset.get_help().map(ToString::to_string) }));
        json!({
            "name": clip.name, "count": clip.count, "width": clip.size.0, "height": clip.size.1,
            "box": self.session.region().map(|b| [b.x, b.y, b.width, b.height]), "truth": clip.truth.is_some(), "presets": presets.collect::<Vec<_>>(),
            "preset": name_of(self.flags.preset), "lambda": self.flags.lambda,
        })
    }

    /// The run that a query describes: a box, and one or two trackers.
    fn order(&self, query: &Query<'_>) -> Result<Order, String> {
        let region = parse_box(query.text("box").unwrap_or_default())?;
        let mut trackers = vec![self.tracker(query.text("preset").unwrap_or_default(), query.text("lambda"))?];
        if let Some(preset) = query.text("also") {
            trackers.push(self.tracker(preset, query.text("also_lambda"))?);
        }
        Ok(Order { region, trackers, maps: query.number("maps") > 0 })
    }

    /// A tracker's name and parameters: the command's flags, but for preset and lambda.
    fn tracker(&self, preset: &str, lambda: Option<&str>) -> Result<(String, attrax_tracker::Config), String> {
        let chosen = core::Preset::from_str(preset, false)?;
        let lambda = lambda.map(core::parse_lambda).transpose()?;
        let flags = core::Args { lambda, ..self.flags.of_preset(chosen) };
        let name = lambda.map_or_else(|| preset.to_string(), |lambda| format!("{preset}, lambda {lambda}"));
        Ok((name, flags.config().map_err(|error| told(&error))?))
    }

    /// A map of a frame, drawn when it is asked for.
    fn map(&self, sight: Sight, query: &Query<'_>) -> Answer {
        let (session, frame) = (&self.session, query.number("frame"));
        let shot = session.shot(query.number("run"), frame);
        let seen = shot.as_ref().and_then(|shot| Some((shot, shot.seen.get(query.number("tracker"))?)));
        let Some((shot, seen)) = seen else { return no(404, "there is no such frame") };
        let Some(maps) = &seen.maps else { return no(404, "there are no maps") };
        let truth = session.clip.truth.as_ref().and_then(|truth| truth.region(frame));
        let row = Row { name: "", estimate: seen.estimate, overlap: None, maps };
        let drawn = worker::decode(&shot.jpeg).and_then(|frame| {
            let mut bytes = Cursor::new(Vec::new());
            sight.picture(&frame, truth, &row).write_to(&mut bytes, ImageFormat::Png)?;
            Ok(bytes.into_inner())
        });
        drawn.map(|bytes| ("image/png", bytes)).or_else(|error| no(500, told(&error)))
    }
}

fn json(value: &Value) -> (&'static str, Vec<u8>) {
    ("application/json", value.to_string().into_bytes())
}
