//! `attrax view`: a target followed in a browser. The program's first thread tracks; others answer the one page.

mod command;
mod guard;
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
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, ensure};

use self::reel::Reel;
use self::server::Server;
use self::session::Session;
use self::site::Site;
use super::track::boxes::Truth;
use super::track::frames::Source;
use super::track::video::is_live;
use super::{core, interrupt, one_line};

/// Flags of `attrax view`.
#[derive(clap::Args)]
#[command(after_help = "\
It prints the page's address; open that in a browser, draw a box around the target and press Start.
From another machine:
  ssh -L 8765:127.0.0.1:8765 HOST attrax view clip.mp4
and open the same address there. Ctrl-C ends it. A run whose page was closed ends by itself after fifteen seconds.

One page at a time is served, on this machine's loopback alone. Pictures of what was tracked are kept in memory.")]
pub struct Args {
    /// A video (mp4, webm, mkv, avi, y4m; decoded by ffmpeg), a folder of frames, or a sequence (VOT, OTB, GOT-10k), whose
    /// ground truth then gives the box to begin with
    #[arg(value_name = "CLIP|FOLDER")]
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
    ensure!(
        !is_live(&args.clip),
        "{}: a camera or stream has no first frame to come back to; record a clip, or use attrax track",
        args.clip.display()
    );
    let truth = Truth::with_frames(&source).unwrap_or_else(|error| {
        log::warn!("the ground truth is left alone: {}", one_line(&error));
        None
    });
    let mut frames = source.clone().read_ahead(None)?;
    let first = frames.next().context("there are no frames to track in")??;
    let clip = run::Clip {
        name: args.clip.display().to_string(),
        count: source.count().or(frames.declared().map(|count| count as usize)),
        rate: frames.rate(),
        size: first.size(),
        first: worker::encode(&first)?,
        truth,
        reel: Reel::new(source),
    };
    drop(frames);
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

/// The secret in the page's address: 128 random bits.
fn token() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("no random numbers")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
