//! The smallest tracker: it answers every frame with the region it was given, whatever the frame
//! shows.

use std::convert::Infallible;

use trax::{Handler, ImageFormat, Images, Metadata, Object, Properties, RegionFormat, Server, Status, run};

/// What every frame is answered with.
#[derive(Default)]
struct Static(Vec<Status>);

impl Handler for Static {
    type Error = Infallible;

    fn initialize(
        &mut self,
        images: Images,
        objects: Vec<Object>,
        properties: Properties,
    ) -> Result<Vec<Status>, Infallible> {
        self.0.clear();
        self.frame(images, objects, properties)
    }

    fn frame(&mut self, _: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Infallible> {
        self.0.extend(added.into_iter().map(|object| Status::new(object.region).confidence(1.0).seconds(0.0)));
        Ok(self.0.clone())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let metadata = Metadata::new("static")
        .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask])
        .images(&[ImageFormat::Path, ImageFormat::Url, ImageFormat::Memory, ImageFormat::Buffer])
        .multi_object(std::env::args().any(|argument| argument == "--multi-object"));
    run(&mut Server::from_environment(&metadata)?, &mut Static::default())?;
    Ok(())
}
