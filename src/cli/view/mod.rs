//! `attrax view`: targets followed in a browser. The program's first thread tracks; others answer
//! the one page.

mod command;
mod export;
mod guard;
mod line;
mod live;
mod news;
mod orders;
mod pictures;
mod reader;
mod reel;
mod run;
mod save;
mod server;
mod session;
mod site;
mod stream;
mod worker;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::Context;

use self::live::Live;
use self::reel::Reel;
use self::run::Input;
use self::server::Server;
use self::session::Session;
use self::site::Site;
use super::track::boxes::Truth;
use super::track::frames::Source;
use super::track::video::{goes_on, is_live};
use super::{core, interrupt, one_line};

/// Frames a second of a video on standard input that does not say.
const RATE: f64 = 25.0;

/// Flags of `attrax view`.
#[derive(clap::Args)]
#[command(after_help = "\
It prints the page's address; open that in a browser, draw a box around each target and press Start.
The picture of a camera is frozen first: press Freeze, draw, press Start; Stop ends the run.
From another machine:
  ssh -L 8765:127.0.0.1:8765 HOST attrax view clip.mp4
and open the same address there. Ctrl-C ends it. A run whose page was closed ends by itself after fifteen seconds.

One page at a time is served, on this machine's loopback alone. Pictures of what was tracked are kept in memory.")]
pub struct Args {
    /// A video (mp4, webm, mkv, avi, y4m; decoded by ffmpeg), a folder of frames, a sequence (VOT,
    /// OTB, GOT-10k), whose ground truth then gives the box to begin with, a camera such as
    /// camera:0 or /dev/video0, an address (rtsp, http), or - for a video on standard input
    #[arg(value_name = "CLIP|FOLDER|CAMERA")]
    clip: PathBuf,
    /// The page's port; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8765)]
    port: u16,
    #[command(flatten)]
    core: core::Args,
}

/// Serves the page until the program is ended.
pub fn run(args: &Args) -> anyhow::Result<()> {
    interrupt::watch().context("signals cannot be watched")?;
    let source = Source::find(std::slice::from_ref(&args.clip))?;
    let truth = Truth::with_frames(&source).unwrap_or_else(|error| {
        log::warn!("the ground truth is left alone: {}", one_line(&error));
        None
    });
    let mut frames = source.clone().read_ahead(None)?;
    let first = frames.next().context("there are no frames to track in")??;
    let (count, rate) = (source.count().or(frames.declared().map(|count| count as usize)), frames.rate());
    let (dimensions, picture, frame) = (first.size(), worker::encode(&first)?, first.clone());
    // A web server's file has a length, its camera has none.
    let is_live = is_live(&args.clip) || count.is_none() && is_web(&args.clip);
    let input = if is_live {
        // Standard input comes as fast as it is read where it is a file.
        let rate = (!goes_on(&args.clip) && !is_web(&args.clip)).then(|| rate.unwrap_or(RATE));
        Input::Live(Live::start(first, frames, rate))
    } else {
        drop(frames);
        Input::Clip(Reel::new(source))
    };
    let count = count.filter(|_| !is_live);
    let clip = run::Clip {
        name: args.clip.display().to_string(),
        count,
        rate,
        size: dimensions,
        frame,
        first: picture,
        truth,
        input,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
        .with_context(|| format!("cannot serve on port {}; --port takes another one", args.port))?;
    let port = listener.local_addr()?.port();
    let server = Server::new(listener)?;
    let model = args.core.model(args.core.config()?)?;
    let token = token()?;
    let session = Arc::new(Session::new(clip));
    let site = Arc::new(Site::new(token.clone(), args.clip.clone(), args.core.clone(), Arc::clone(&session)));
    thread::spawn(move || {
        if let Err(error) = server.serve(site.router()) {
            log::error!("the page is served no more: {}", one_line(&error));
        }
    });
    writeln!(std::io::stdout(), "http://127.0.0.1:{port}/?token={token}")?;
    worker::work(&model, &session)
}

/// Whether a web server sends it.
fn is_web(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with("http://") || path.starts_with("https://"))
}

/// The secret in the page's address: 128 random bits.
fn token() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("no random numbers")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
