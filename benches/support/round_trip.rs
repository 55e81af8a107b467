//! A TraX session between two threads, and what two pipes alone would take.

use std::convert::Infallible;
use std::io::{Read, Write, pipe};
use std::time::Instant;

use trax::{
    Client, ClientOptions, Handler, Image, Images, Limits, Metadata, Object, Properties, Region, Server, Status,
    Transport, run,
};

/// Answers with what it was given.
#[derive(Default)]
struct Still(Vec<Status>);

impl Handler for Still {
    type Error = Infallible;

    fn initialize(&mut self, images: Images, objects: Vec<Object>, p: Properties) -> Result<Vec<Status>, Infallible> {
        self.0.clear();
        self.frame(images, objects, p)
    }

    fn frame(&mut self, _: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Infallible> {
        self.0.extend(added.into_iter().map(|object| Status::new(object.region).confidence(1.0).seconds(0.01)));
        Ok(self.0.clone())
    }
}

/// A client and a server that answers at once: each call sends a frame's path and waits for the
/// answer.
pub fn session() -> Box<dyn FnMut()> {
    let (requests, to_server) = pipe().expect("a pipe");
    let (answers, to_client) = pipe().expect("a pipe");
    std::thread::spawn(move || {
        let transport = Transport::from_streams(requests, to_client);
        let server = Server::new(&Metadata::new("still"), transport, Limits::default());
        // The client that goes away at the end of the measurement is no error here.
        drop(server.map(|mut server| run(&mut server, &mut Still::default())));
    });
    let transport = Transport::from_streams(answers, to_server);
    let mut client = Client::new(transport, ClientOptions::default()).expect("the server introduces itself");
    let frame = Images::color(Image::Path("/data/sequence/color/00000001.jpg".into()));
    let object = Object::new(Region::rectangle(10.0, 20.0, 30.0, 40.0));
    client.initialize(&frame, &[object], &Properties::new()).expect("an answer");
    Box::new(move || drop(client.frame(&frame, &[], &Properties::new()).expect("an answer")))
}

/// Seconds in which a hundred bytes go to another thread and back, through two pipes.
pub fn pipes_alone() -> f64 {
    const ROUNDS: u32 = 500;
    let (mut requests, mut to_server) = pipe().expect("a pipe");
    let (mut answers, mut to_client) = pipe().expect("a pipe");
    let echo = std::thread::spawn(move || {
        let mut bytes = [0; 100];
        while requests.read_exact(&mut bytes).is_ok() && to_client.write_all(&bytes).is_ok() {}
    });
    let mut bytes = [0; 100];
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        to_server.write_all(&bytes).expect("the other thread reads");
        answers.read_exact(&mut bytes).expect("and answers");
    }
    let seconds = begun.elapsed().as_secs_f64() / f64::from(ROUNDS);
    drop(to_server);
    echo.join().expect("it ends with its input");
    seconds
}
