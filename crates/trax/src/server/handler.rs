//! The loop that serves a tracker.

use std::error::Error as StdError;

use super::Server;
use crate::error::Error;
use crate::image::Images;
use crate::properties::Properties;
use crate::request::{Object, Request, Status};

/// What a tracker does with requests; [`run`] does the rest.
///
/// ```
/// use std::convert::Infallible;
/// use trax::{Handler, Images, Object, Properties, Region, Status};
///
/// /// Drifts to the right.
/// struct Drifting(Vec<(f32, f32)>);
///
/// impl Handler for Drifting {
///     type Error = Infallible;
///
///     fn initialize(&mut self, images: Images, objects: Vec<Object>, p: Properties) -> Result<Vec<Status>, Infallible> {
///         self.0.clear();
///         self.frame(images, objects, p)
///     }
///
///     fn frame(&mut self, _: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Infallible> {
///         self.0.iter_mut().for_each(|(x, _)| *x += 1.0);
///         self.0.extend(added.iter().filter_map(|object| object.region.bounds()).map(|bounds| (bounds.x, bounds.y)));
///         Ok(self.0.iter().map(|&(x, y)| Status::new(Region::rectangle(x, y, 10.0, 10.0))).collect())
///     }
/// }
///
/// let mut tracker = Drifting(Vec::new());
/// let start = Object::new(Region::rectangle(1.0, 2.0, 10.0, 10.0));
/// tracker.initialize(Images::default(), vec![start], Properties::new())?;
/// let statuses = tracker.frame(Images::default(), Vec::new(), Properties::new())?;
/// assert_eq!(statuses[0].region, Region::rectangle(2.0, 2.0, 10.0, 10.0));
/// # Ok::<(), Infallible>(())
/// ```
pub trait Handler {
    /// Why a request could not be answered; its text is the reason that the client is given.
    type Error: StdError;

    /// Forgets everything, starts to track `objects` and says where they are: one status each, in
    /// their order.
    ///
    /// # Errors
    ///
    /// Whatever keeps the tracker from going on; the session ends with it.
    fn initialize(
        &mut self,
        images: Images,
        objects: Vec<Object>,
        properties: Properties,
    ) -> Result<Vec<Status>, Self::Error>;

    /// Finds the objects in the next frame: one status each, those first that were tracked before,
    /// then the `added` ones.
    ///
    /// # Errors
    ///
    /// Whatever keeps the tracker from going on; the session ends with it.
    fn frame(&mut self, images: Images, added: Vec<Object>, properties: Properties)
    -> Result<Vec<Status>, Self::Error>;
}

/// Why a session did not end in the regular way.
///
/// ```
/// use std::fmt::Error as GaveUp;
/// use trax::{Handler, Images, Limits, Metadata, Object, Properties, RunError, Server, Status, Transport, run};
///
/// struct Never;
///
/// impl Handler for Never {
///     type Error = GaveUp;
///
///     fn initialize(&mut self, _: Images, _: Vec<Object>, _: Properties) -> Result<Vec<Status>, GaveUp> {
///         Err(GaveUp)
///     }
///
///     fn frame(&mut self, _: Images, _: Vec<Object>, _: Properties) -> Result<Vec<Status>, GaveUp> {
///         Err(GaveUp)
///     }
/// }
///
/// let client = "@@TRAX:initialize 1,2,3,4\n@@TRAX:frame file:///1.jpg\n";
/// let transport = Transport::from_streams(client.as_bytes(), std::io::sink());
/// let mut server = Server::new(&Metadata::new("never"), transport, Limits::default())?;
/// assert!(matches!(run(&mut server, &mut Never), Err(RunError::Tracker(GaveUp))));
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<E: StdError> {
    /// The client sent something that cannot be accepted, or the connection failed.
    #[error(transparent)]
    Session(#[from] Error),
    /// The tracker gave up.
    #[error(transparent)]
    Tracker(E),
}

/// Serves a tracker until the client quits or has gone; the text of an error is sent to the client
/// as the reason to quit.
///
/// # Errors
///
/// [`RunError::Session`] if the client sent something that cannot be accepted,
/// [`RunError::Tracker`] if the tracker gave up.
///
/// ```
/// use std::convert::Infallible;
/// use trax::{Handler, Images, Limits, Metadata, Object, Properties, Server, Status, Transport, run};
///
/// struct Still(Vec<Status>);
///
/// impl Handler for Still {
///     type Error = Infallible;
///
///     fn initialize(&mut self, _: Images, objects: Vec<Object>, _: Properties) -> Result<Vec<Status>, Infallible> {
///         self.0 = objects.into_iter().map(|object| Status::new(object.region)).collect();
///         Ok(self.0.clone())
///     }
///
///     fn frame(&mut self, _: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Infallible> {
///         self.0.extend(added.into_iter().map(|object| Status::new(object.region)));
///         Ok(self.0.clone())
///     }
/// }
///
/// // A program would take Server::from_environment(&Metadata::new("still")).
/// let client = "@@TRAX:initialize 1,2,3,4\n@@TRAX:frame file:///1.jpg\n@@TRAX:quit\n";
/// let transport = Transport::from_streams(client.as_bytes(), std::io::sink());
/// let mut server = Server::new(&Metadata::new("still"), transport, Limits::default())?;
/// run(&mut server, &mut Still(Vec::new()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run<T: Handler>(server: &mut Server, tracker: &mut T) -> Result<(), RunError<T::Error>> {
    let result = serve(server, tracker);
    match &result {
        Ok(()) => Ok(()),
        Err(RunError::Session(error)) if error.is_disconnect() => {
            log::info!("{error}");
            Ok(())
        }
        Err(error) => {
            if let Err(error) = server.quit(Some(&error.to_string())) {
                log::debug!("the reason could not be sent: {error}");
            }
            result
        }
    }
}

/// Request after request, until the client quits.
fn serve<T: Handler>(server: &mut Server, tracker: &mut T) -> Result<(), RunError<T::Error>> {
    loop {
        let statuses = match server.wait()? {
            Request::Initialize { images, objects, properties } => tracker.initialize(images, objects, properties),
            Request::Frame { images, objects, properties } => tracker.frame(images, objects, properties),
            Request::Quit { properties } => {
                if let Some(reason) = properties.get("trax.reason") {
                    log::info!("the client quit: {reason}");
                }
                return Ok(());
            }
        };
        server.reply(&statuses.map_err(RunError::Tracker)?)?;
    }
}
