//! Whether the scans of a JPEG hold the whole image: decoders fill missing scans with grey.

/// Coefficients of a block.
const COEFFICIENTS: usize = 64;

/// The frame header, and what the scans up to now have brought.
pub(super) struct Scans {
    progressive: bool,
    size: (usize, usize),
    components: Vec<Component>,
    /// A scan was too short for the declared size.
    short: bool,
}

struct Component {
    id: u8,
    /// Blocks of an MCU, horizontally and vertically.
    sampling: (usize, usize),
    /// For each coefficient the lowest bit that a scan has brought.
    lowest: [Option<u8>; COEFFICIENTS],
}

impl Scans {
    /// Reads a frame header without its length. `None` if it is malformed, or if a later marker
    /// gives the height.
    pub(super) fn of_frame(progressive: bool, header: &[u8]) -> Option<Self> {
        let &[_, h1, h0, w1, w0, _, ref components @ ..] = header else { return None };
        let size = [[w1, w0], [h1, h0]].map(|side| usize::from(u16::from_be_bytes(side)));
        let components = components.chunks_exact(3).map(|component| Component {
            id: component[0],
            sampling: (usize::from(component[1] >> 4), usize::from(component[1] & 15)),
            lowest: [None; COEFFICIENTS],
        });
        let components: Vec<Component> = components.collect();
        let usable =
            size[1] > 0 && components.iter().all(|component| component.sampling.0.min(component.sampling.1) > 0);
        usable.then_some(Self { progressive, size: (size[0], size[1]), components, short: false })
    }

    /// Adds a scan: its header without its length, and the bytes of its coded data.
    pub(super) fn add(&mut self, header: &[u8], coded: usize) {
        let Some((&count, rest)) = header.split_first() else { return };
        let Some((ids, &[first, last, bits])) = rest.split_at_checked(2 * usize::from(count)) else { return };
        let ids: Vec<u8> = ids.chunks_exact(2).map(|component| component[0]).collect();
        let (first, last, low) = if self.progressive {
            (usize::from(first), usize::from(last).min(COEFFICIENTS - 1), bits & 15)
        } else {
            (0, COEFFICIENTS - 1, 0)
        };
        // A block takes at least a bit for its mean, and one for the end of its other coefficients
        // if the scan has them. Only a progressive scan without means can skip many blocks at once.
        let bits = if self.progressive { usize::from(first == 0) } else { 2 };
        self.short |= 8 * coded < bits * self.blocks(&ids);
        for component in self.components.iter_mut().filter(|component| ids.contains(&component.id)) {
            component.lowest.iter_mut().take(last + 1).skip(first).for_each(|bit| *bit = Some(low));
        }
    }

    /// Whether all bits of all coefficients were there.
    pub(super) fn are_whole(&self) -> bool {
        !self.short && self.components.iter().all(|component| component.lowest.iter().all(|low| *low == Some(0)))
    }

    /// Blocks of a scan of some components.
    fn blocks(&self, ids: &[u8]) -> usize {
        let most = |side: fn(&Component) -> usize| self.components.iter().map(side).max().unwrap_or(1);
        let (across, down) = (most(|component| component.sampling.0), most(|component| component.sampling.1));
        let (width, height) = self.size;
        let members = self.components.iter().filter(|component| ids.contains(&component.id));
        if ids.len() == 1 {
            let blocks = |size: usize, own: usize, most: usize| (size * own).div_ceil(8 * most);
            members.map(|c| blocks(width, c.sampling.0, across) * blocks(height, c.sampling.1, down)).sum()
        } else {
            let units = width.div_ceil(8 * across) * height.div_ceil(8 * down);
            units * members.map(|component| component.sampling.0 * component.sampling.1).sum::<usize>()
        }
    }
}
