//! Packets of the output file, written one at a time.
//!
//! A text that occurs more than once is written once, with an id that later packets refer to. The table of these
//! texts is bounded: after an overflow a text is written again under a new id.

use std::collections::HashMap;
use std::io::{self, Write};

use prost::Message;
use prost::encoding::{WireType, encode_key};

use super::annotations::{Key, Text};
use super::schema::{
    INCREMENTAL_STATE_CLEARED, InternedData, InternedName, InternedString, NEEDS_INCREMENTAL_STATE,
    PACKET, TracePacket, TrackDescriptor, TrackEvent, Type,
};
use crate::trace::Time;

/// Maximum number of interned texts.
const MOST: usize = 1 << 16;

/// Id of the only packet sequence; 0 would mean none.
const SEQUENCE: u32 = 1;

/// Id of an interned event name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name(u64);

/// Interned texts and their ids.
#[derive(Default)]
struct Texts {
    known: HashMap<Box<str>, u64>,
    last: u64,
}

impl Texts {
    /// Allocates an id without a text.
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Returns the id of a text, and whether the id is new.
    fn number(&mut self, text: &str) -> (u64, bool) {
        if let Some(&number) = self.known.get(text) {
            return (number, false);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let number = self.next();
        self.known.insert(text.into(), number);
        (number, true)
    }
}

/// Writer of packets.
pub(super) struct Packets<W> {
    out: W,
    buffer: Vec<u8>,
    names: Texts,
    texts: Texts,
    /// Interned texts that the next packet carries.
    news: InternedData,
    /// Offset added to all times: Perfetto's are unsigned.
    shift: Time,
    begun: bool,
    failed: Option<io::Error>,
}

impl<W: Write> Packets<W> {
    /// Creates a writer for events at or after `start`.
    pub(super) fn new(out: W, start: Time) -> Self {
        let keys = Key::NAMES.iter().zip(1..);
        Self {
            out,
            buffer: Vec::new(),
            names: Texts::default(),
            texts: Texts::default(),
            news: InternedData {
                debug_annotation_names: keys.map(|(key, iid)| named(iid, key)).collect(),
                ..InternedData::default()
            },
            shift: start.min(0).saturating_neg(),
            begun: false,
            failed: None,
        }
    }

    /// Returns the first write error. Nothing is written after one.
    pub(super) fn check(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Flushes the buffer.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.check()?;
        self.out.flush()
    }

    /// Interns a name that many events have.
    pub(super) fn name(&mut self, text: &str) -> Name {
        let (iid, new) = self.names.number(text);
        if new {
            self.news.event_names.push(named(iid, text));
        }
        Name(iid)
    }

    /// Interns a name whose id the caller keeps.
    pub(super) fn own_name(&mut self, text: &str) -> Name {
        let iid = self.names.next();
        self.news.event_names.push(named(iid, text));
        Name(iid)
    }

    /// Interns the text of an annotation.
    pub(super) fn text(&mut self, text: &str) -> Text {
        let (iid, new) = self.texts.number(text);
        if new {
            let str = text.as_bytes().to_vec();
            let texts = &mut self.news.debug_annotation_string_values;
            texts.push(InternedString { iid, str });
        }
        Text(iid)
    }

    /// Declares a track. This must come before its first event.
    pub(super) fn track(&mut self, descriptor: TrackDescriptor) {
        self.packet(TracePacket {
            track_descriptor: Some(descriptor),
            ..TracePacket::default()
        });
    }

    /// Writes one event of a track.
    pub(super) fn event(&mut self, time: Time, kind: Type, name: Option<Name>, event: TrackEvent) {
        let news = std::mem::take(&mut self.news);
        self.packet(TracePacket {
            timestamp: Some(time.saturating_add(self.shift).max(0) as u64),
            track_event: Some(TrackEvent {
                r#type: kind.into(),
                name_iid: name.map(|name| name.0),
                ..event
            }),
            interned_data: Some(news).filter(|news| *news != InternedData::default()),
            ..TracePacket::default()
        });
    }

    pub(super) fn packet(&mut self, packet: TracePacket) {
        if self.failed.is_some() {
            return;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let packet = TracePacket {
            trusted_packet_sequence_id: SEQUENCE,
            sequence_flags: match first {
                true => INCREMENTAL_STATE_CLEARED,
                false => NEEDS_INCREMENTAL_STATE,
            },
            first_packet_on_sequence: first,
            ..packet
        };
        self.buffer.clear();
        encode_key(PACKET, WireType::LengthDelimited, &mut self.buffer);
        let written = match packet.encode_length_delimited(&mut self.buffer) {
            Ok(()) => self.out.write_all(&self.buffer),
            Err(error) => Err(error.into()),
        };
        self.failed = written.err();
    }
}

fn named(iid: u64, name: &str) -> InternedName {
    let name = name.into();
    InternedName { iid, name }
}
