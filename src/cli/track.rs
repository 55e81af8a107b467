//! `attrax track`: one target through the frames of a sequence, without a client.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use attrax::decode::{DecodeLimits, decode_file};
use attrax::tracker::profile::{self, Profile, Stage};
use attrax::tracker::{BoundingBox, Estimate, Frame};
use image::{Rgb, RgbImage};
use indicatif::{ProgressBar, ProgressStyle};

use super::core;
use super::serve::guarded;

/// Flags of `attrax track`.
#[derive(clap::Args)]
pub struct Args {
    /// A folder of frames, a VOT sequence, a pattern such as 'frames/*.jpg', or the frames themselves, in order
    #[arg(required = true, value_name = "FRAMES")]
    frames: Vec<PathBuf>,
    /// The target in the first frame: left, top, width and height in pixels
    #[arg(long = "box", value_name = "X,Y,WIDTH,HEIGHT", value_parser = parse_box, allow_hyphen_values = true)]
    region: BoundingBox,
    /// Write the boxes to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a copy of each frame with the box drawn, as PNG, into this folder
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// Print a table of the seconds by stage at the end, and write a trace for the trace viewers of browsers
    /// (Perfetto, or Chrome's about:tracing)
    #[arg(long, value_name = "FILE.json")]
    profile: Option<PathBuf>,
    #[command(flatten)]
    core: core::Args,
}

/// Tracks the target and writes one line a frame: `x,y,width,height,confidence`.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let frames = frames(&args.frames)?;
    let mut out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(create(path)?),
        None => Box::new(std::io::stdout()),
    };
    if let Some(folder) = &args.overlay {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let trace = args.profile.as_deref().map(|path| Ok::<_, anyhow::Error>((path, create(path)?))).transpose()?;
    let engine = args.core.engine(args.core.config()?)?;
    if trace.is_some() {
        profile::start_on(engine.backbone().device());
    }
    let bar = progress(frames.len());
    writeln!(out, "x,y,width,height,confidence")?;
    let begun = Instant::now();
    let mut learnt = begun;
    let mut tracker = None;
    let mut ahead = read_ahead(frames.clone(), u32::from(args.core.threads()));
    for (position, path) in frames.iter().enumerate() {
        let whole = profile::span(if position == 0 { Stage::Initialization } else { Stage::Frame });
        let frame = ahead.next().with_context(|| format!("no frame was read from {}", path.display()))??;
        let estimate = match &mut tracker {
            None => {
                bar.set_message("learning the first frame");
                tracker = Some(guarded(|| engine.initialize(&frame, args.region, 0))?);
                learnt = Instant::now();
                Estimate { bounding_box: args.region, confidence: 1.0, success: true }
            }
            Some(tracker) => guarded(|| tracker.track(&frame)).with_context(|| path.display().to_string())?,
        };
        drop(whole);
        let BoundingBox { x, y, width, height } = estimate.bounding_box;
        writeln!(out, "{x:.3},{y:.3},{width:.3},{height:.3},{:.4}", estimate.confidence)?;
        if let Some(folder) = &args.overlay {
            overlay(&frame, estimate, &folder.join(format!("{:08}.png", position + 1)))?;
        }
        bar.set_message(if estimate.success { "" } else { "target not found" });
        bar.inc(1);
    }
    out.flush()?;
    bar.finish_and_clear();
    if let Some((path, file)) = trace {
        report(&profile::stop(), path, file)?;
    }
    let (first, rest) = (learnt - begun, learnt.elapsed().as_secs_f64());
    let count = frames.len() - 1;
    log::info!(
        "first frame {:.2} s, then {count} in {rest:.2} s: {:.1} a second",
        first.as_secs_f64(),
        count as f64 / rest
    );
    Ok(())
}

/// The frames in order, or why there is none. While one is tracked a thread, shown on a row of the profile's trace, reads
/// the next one.
fn read_ahead(paths: Vec<PathBuf>, lane: u32) -> impl Iterator<Item = anyhow::Result<Frame>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        profile::set_lane(lane);
        for path in paths {
            // Nobody wants more frames where the receiver is gone.
            if sender.send(read(&path)).is_err() {
                break;
            }
        }
    });
    std::iter::from_fn(move || {
        let _span = profile::span(Stage::Decode);
        receiver.recv().ok()
    })
}

/// A new file.
fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?))
}

/// A frame from its file.
fn read(path: &Path) -> anyhow::Result<Frame> {
    let _span = profile::span(Stage::Decode);
    let image = decode_file(path, &DecodeLimits::default())?;
    Ok(Frame::from_rgb8(image.width, image.height, image.pixels)?)
}

/// Prints the table of a profile on standard error and writes its trace.
fn report(profile: &Profile, path: &Path, file: BufWriter<File>) -> anyhow::Result<()> {
    eprint!("{profile}");
    profile.write_trace(file).with_context(|| format!("cannot write {}", path.display()))
}

/// Four finite numbers, the last two positive.
fn parse_box(text: &str) -> Result<BoundingBox, String> {
    let numbers: Vec<f64> = text
        .split(',')
        .map(|part| part.trim().parse().map_err(|_| format!("'{part}' is not a number")))
        .collect::<Result<_, _>>()?;
    let [x, y, width, height] = numbers[..] else {
        return Err(format!("four numbers are needed, x,y,width,height, not {}", numbers.len()));
    };
    let region = BoundingBox::new(x, y, width, height);
    if region.is_valid() { Ok(region) } else { Err("width and height must be above 0, and everything finite".into()) }
}

/// The frames that the arguments name, in order.
fn frames(arguments: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut frames = Vec::new();
    for argument in arguments {
        if argument.is_dir() {
            frames.extend(frames_of_folder(argument)?);
        } else if argument.is_file() {
            frames.push(argument.clone());
        } else {
            let pattern = argument.to_string_lossy();
            let mut found: Vec<PathBuf> = glob::glob(&pattern)
                .with_context(|| format!("bad pattern {pattern}"))?
                .filter_map(Result::ok)
                .collect();
            ensure!(!found.is_empty(), "{pattern}: no such file or folder, and as a pattern it matches nothing");
            found.sort();
            frames.extend(found);
        }
    }
    if frames.is_empty() {
        bail!("there are no frames to track in");
    }
    Ok(frames)
}

/// The images of a folder in the order of their names; of a VOT sequence, those of its `color` folder.
fn frames_of_folder(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let color = folder.join("color");
    let folder = if color.is_dir() { color } else { folder.to_path_buf() };
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let known = ["jpg", "jpeg", "png", "bmp", "tif", "tiff"];
    let mut frames: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| known.contains(&e.to_string_lossy().to_lowercase().as_str())))
        .collect();
    ensure!(!frames.is_empty(), "{}: no JPEG, PNG, BMP or TIFF files", folder.display());
    frames.sort();
    Ok(frames)
}

/// A bar on standard error; it hides itself where that is not a terminal.
fn progress(frames: usize) -> ProgressBar {
    let bar = ProgressBar::new(frames as u64);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} frames, {per_sec}, {eta} left  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Writes the frame with the box drawn: red where the target was found, yellow where it was not.
fn overlay(frame: &Frame, estimate: Estimate, path: &Path) -> anyhow::Result<()> {
    let (width, height) = frame.size();
    let mut picture = RgbImage::from_raw(width, height, frame.pixels().to_vec()).context("the frame is incomplete")?;
    let color = if estimate.success { Rgb([255, 32, 32]) } else { Rgb([255, 220, 0]) };
    let b = estimate.bounding_box;
    let (left, top) = (b.x.round() as i64, b.y.round() as i64);
    let (right, bottom) = ((b.x + b.width).round() as i64, (b.y + b.height).round() as i64);
    let mut dot = |x: i64, y: i64| {
        if (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y) {
            picture.put_pixel(x as u32, y as u32, color);
        }
    };
    for thickness in 0..2 {
        for x in left.max(0)..=right.min(i64::from(width)) {
            dot(x, top + thickness);
            dot(x, bottom - thickness);
        }
        for y in top.max(0)..=bottom.min(i64::from(height)) {
            dot(left + thickness, y);
            dot(right - thickness, y);
        }
    }
    picture.save(path).with_context(|| format!("cannot write {}", path.display()))
}
