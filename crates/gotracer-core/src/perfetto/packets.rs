//! A file of packets, written as they come.
//!
//! Texts that occur more than once are written once, with a number that later
//! packets refer to. What is remembered for that is bounded: a text that was
//! forgotten is written again, under a new number.

use std::collections::HashMap;
use std::io::{self, Write};

use prost::Message;
use prost::encoding::{WireType, encode_key};

use super::annotations::Key;
use super::schema::{
    INCREMENTAL_STATE_CLEARED, InternedData, InternedName, InternedString, NEEDS_INCREMENTAL_STATE,
    PACKET, TracePacket, TrackDescriptor, TrackEvent, Type,
};
use crate::trace::Time;

/// So many texts are remembered.
const MOST: usize = 1 << 16;

/// All packets are written by one writer; 0 would be none.
const SEQUENCE: u32 = 1;

/// The number of a text among the names of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name(u64);

/// The number of a text among the values of annotations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text(pub u64);

/// Texts and their numbers.
#[derive(Default)]
struct Texts {
    known: HashMap<Box<str>, u64>,
    last: u64,
}

impl Texts {
    /// A number that no text has.
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The number of a text, and whether nobody knows it yet.
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

/// Writes packets.
pub struct Packets<W> {
    out: W,
    buffer: Vec<u8>,
    names: Texts,
    texts: Texts,
    /// Texts that the next packet has to bring along.
    news: InternedData,
    /// Added to all times, which have no sign in Perfetto.
    shift: Time,
    begun: bool,
    failed: Option<io::Error>,
}

impl<W: Write> Packets<W> {
    /// Nothing happens before `start`.
    pub fn new(out: W, start: Time) -> Self {
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

    /// Why writing failed, if it did; nothing is written after that.
    pub fn check(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Writes what is still in a buffer.
    pub fn finish(mut self) -> io::Result<()> {
        self.check()?;
        self.out.flush()
    }

    /// A name that many events have.
    pub fn name(&mut self, text: &str) -> Name {
        let (iid, new) = self.names.number(text);
        if new {
            self.news.event_names.push(named(iid, text));
        }
        Name(iid)
    }

    /// A name that its owner remembers.
    pub fn own_name(&mut self, text: &str) -> Name {
        let iid = self.names.next();
        self.news.event_names.push(named(iid, text));
        Name(iid)
    }

    /// The text of an annotation.
    pub fn text(&mut self, text: &str) -> Text {
        let (iid, new) = self.texts.number(text);
        if new {
            let str = text.as_bytes().to_vec();
            let texts = &mut self.news.debug_annotation_string_values;
            texts.push(InternedString { iid, str });
        }
        Text(iid)
    }

    /// Says what a track is, which has to be said before anything is on it.
    pub fn track(&mut self, descriptor: TrackDescriptor) {
        self.packet(TracePacket {
            track_descriptor: Some(descriptor),
            ..TracePacket::default()
        });
    }

    /// An instant.
    pub fn event(&mut self, time: Time, kind: Type, name: Option<Name>, event: TrackEvent) {
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

    pub fn packet(&mut self, packet: TracePacket) {
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
