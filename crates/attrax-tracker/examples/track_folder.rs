//! Follows a target through a folder of frames: `track_folder FOLDER LEFT TOP WIDTH HEIGHT` prints
//! its box in each frame.

use std::error::Error;

use attrax_tracker::{BoundingBox, Config, Frame, Model, Parameters, Tracker, device, weights};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, numbers @ ..] = &*arguments else { return Err("usage: FOLDER LEFT TOP WIDTH HEIGHT".into()) };
    let numbers = numbers.iter().map(|number| number.parse()).collect::<Result<Vec<f64>, _>>()?;
    let &[left, top, width, height] = &*numbers else { return Err("a box is LEFT TOP WIDTH HEIGHT, in pixels".into()) };
    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();

    let parameters = Parameters::from_file(&weights::embedded()?, tch::Kind::Float, device("auto")?)?;
    let model = Model::new(&parameters, Config::default(), std::thread::available_parallelism()?.get())?;
    let mut frames = paths.iter().map(|path| -> Result<Frame, Box<dyn Error>> {
        let image = image::open(path)?.into_rgb8();
        Ok(Frame::from_rgb8(image.width(), image.height(), image.into_raw())?)
    });
    let first = frames.next().ok_or("there is no frame")??;
    let mut tracker = Tracker::new(&model, &first, BoundingBox::new(left, top, width, height))?;
    for frame in frames {
        let found = tracker.track(&frame?)?;
        println!("{} {:.2}", found.bounding_box, found.probability);
    }
    Ok(())
}
