//! Where text goes: into a buffer as far as it fits, counted beyond that. Nothing is allocated.

use core::fmt;
use core::mem::MaybeUninit;

/// Takes text and counts it, whether or not it fits.
pub struct Sink<'a> {
    buffer: &'a mut [MaybeUninit<u8>],
    written: usize,
    line_start: usize,
}

impl<'a> Sink<'a> {
    /// Writes to `buffer`, whose last byte is kept for a NUL.
    pub fn new(buffer: &'a mut [MaybeUninit<u8>]) -> Self {
        Self {
            buffer,
            written: 0,
            line_start: 0,
        }
    }

    /// Characters of the line that was begun last.
    pub fn column(&self) -> usize {
        self.written - self.line_start
    }

    /// Adds text, which is ASCII without line breaks.
    pub fn put(&mut self, text: &str) {
        let space = self.space();
        for (place, &byte) in space.iter_mut().zip(text.as_bytes()) {
            place.write(byte);
        }
        self.written = self.written.saturating_add(text.len());
    }

    /// Adds spaces.
    pub fn spaces(&mut self, count: usize) {
        for place in self.space().iter_mut().take(count) {
            place.write(b' ');
        }
        self.written = self.written.saturating_add(count);
    }

    /// Ends the line.
    pub fn line_break(&mut self) {
        if let Some(place) = self.space().first_mut() {
            place.write(b'\n');
        }
        self.written = self.written.saturating_add(1);
        self.line_start = self.written;
    }

    /// Ends the text with a NUL where the buffer has room for one. Returns the length of all text without it.
    pub fn finish(self) -> usize {
        let end = self.written.min(self.buffer.len().saturating_sub(1));
        if let Some(place) = self.buffer.get_mut(end) {
            place.write(0);
        }
        self.written
    }

    /// What is left of the buffer, but for the NUL's byte.
    fn space(&mut self) -> &mut [MaybeUninit<u8>] {
        let end = self.buffer.len().saturating_sub(1);
        let start = self.written.min(end);
        &mut self.buffer[start..end]
    }
}

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text);
        Ok(())
    }
}

/// Takes text only to count it.
#[derive(Default)]
pub struct Counter(pub usize);

impl fmt::Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_counted() {
        for capacity in 0..8 {
            let mut buffer = [MaybeUninit::new(b'x'); 8];
            let mut sink = Sink::new(&mut buffer[..capacity]);
            sink.put("ab");
            sink.line_break();
            sink.spaces(2);
            assert_eq!((sink.column(), sink.finish()), (2, 5));
            // SAFETY: all of it was initialised above.
            let bytes = buffer.map(|byte| unsafe { byte.assume_init() });
            let kept = capacity.saturating_sub(1).min(5);
            assert_eq!(bytes[..kept], b"ab\n  "[..kept]);
            assert!(capacity == 0 || bytes[kept] == 0);
            assert!(bytes[capacity..].iter().all(|&byte| byte == b'x'));
        }
    }
}
