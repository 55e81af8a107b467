//! `attrax serve`: the tracker as a TraX server.

mod limits;

use attrax_session::{Dat, PolygonBox, Session};
use clap::FromArgMatches;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use trax::{ImageFormat, Metadata, Properties, RegionFormat, Server, Transport, run as serve};

use super::{core, one_line};
use crate::allocator;
use crate::exit::exit_at_once;

/// Flags of `attrax serve`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    core: core::Args,
    /// Announce that several objects can be tracked at the same time, each by a tracker of its own
    #[arg(long)]
    multi_object: bool,
    /// The box that a tracker is started with where the client gives a polygon
    #[arg(long, default_value_t, value_parser = polygon_box())]
    initial_box: PolygonBox,
    #[command(flatten)]
    limits: limits::Args,
}

impl Args {
    /// What `attrax serve` is without any flag.
    pub fn without_flags() -> Result<Self, clap::Error> {
        let command = <Self as clap::Args>::augment_args(clap::Command::new("attrax").no_binary_name(true));
        Self::from_arg_matches(&command.try_get_matches_from([""; 0])?)
    }
}

/// The rules for a polygon's box, as values of a flag.
fn polygon_box() -> impl TypedValueParser<Value = PolygonBox> {
    let values = PolygonBox::ALL.map(|rule| {
        PossibleValue::new(rule.name()).help(match rule {
            PolygonBox::Bounding => "The smallest box around the polygon",
            PolygonBox::EqualArea => {
                "The box of the polygon's area around its centre, in the proportions of the smallest box around it"
            }
        })
    });
    PossibleValuesParser::new(values).try_map(|name| name.parse::<PolygonBox>())
}

/// Serves a client until it quits or is gone.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut about = Properties::new();
    about.insert("attrax.version", env!("CARGO_PKG_VERSION"))?;
    let config = args.core.config();
    let (name, description) = if config.as_ref().map_or(true, |config| config.attention.lambda > 0.0) {
        ("DAT", "Deep attentive tracking via reciprocative learning (attrax)")
    } else {
        ("MDNet", "MDNet's online part: DAT without its regulariser (attrax)")
    };
    let metadata = Metadata::new(name)
        .description(description)
        .custom(about)
        .family("MDNet")
        .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask])
        .images(&[ImageFormat::Path, ImageFormat::Memory, ImageFormat::Buffer])
        .multi_object(args.multi_object);
    // The greeting comes first: a client that waits for it learns why the tracker cannot start.
    let transport = Transport::from_environment()?;
    let output = transport.output_handle()?;
    let mut server = Server::new(&metadata, transport, args.limits.session())?;
    if let Some(output) = output {
        allocator::report_to(output);
    }
    let ready = config.and_then(|config| Ok((args.core.model(config)?, core::earlier()?)));
    let (model, earlier) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            if let Err(gone) = server.quit(Some(&one_line(&error))) {
                log::debug!("the reason could not be sent: {gone}");
            }
            return Err(error);
        }
    };
    // Training takes up to a minute, and its result has no reader. Nothing is logged: the client
    // may have read the log, too.
    server.on_hang_up(|| exit_at_once(0))?;
    let mut session = Session::new(Dat::new(model), args.initial_box, args.limits.decoding()).starting_at(earlier);
    Ok(serve(&mut server, &mut session)?)
}
