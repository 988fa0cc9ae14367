//! What the demo's server says: a status, a content type, headers and bytes, and what it was asked.

use std::time::Duration;

/// A request as every vendor's part of the demo reads it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Below the vendor's prefix, with its leading slash.
    pub path: String,
    /// Decoded query and form parameters, in order.
    pub pairs: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub content_type: String,
    /// `If-None-Match`
    pub known: Option<String>,
    /// `http://127.0.0.1:PORT`: what every address sent begins with.
    pub origin: String,
}

impl Asked {
    pub fn one(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// `statuses[]=a&statuses[]=b`, with and without brackets.
    pub fn many(&self, name: &str) -> Vec<&str> {
        let bare = |k: &str| k == name || k.strip_suffix("[]") == Some(name);
        self.pairs.iter().filter(|(k, _)| bare(k)).map(|(_, v)| v.as_str()).collect()
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.one(name)?.parse().ok()
    }

    /// The parts between the slashes.
    pub fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|p| !p.is_empty()).collect()
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Some upstreams are slow; the reader should see that.
    pub delay: Duration,
}

impl Reply {
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: serde_json::to_vec(value).unwrap_or_default(),
            delay: Duration::ZERO,
        }
    }

    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            headers: Vec::new(),
            body: text.into().into_bytes(),
            delay: Duration::ZERO,
        }
    }

    pub fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    /// Carries a weak `ETag`; says 304 to whoever has these bytes already.
    #[must_use]
    pub fn tagged(self, asked: &Asked) -> Self {
        if self.status != 200 {
            return self;
        }
        let sum = self.body.iter().fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
        let tag = format!("W/\"{sum:016x}\"");
        let known = asked.known.as_ref().is_some_and(|k| k.split(',').any(|k| k.trim() == tag));
        let mut reply = self.header("etag", tag);
        if known {
            reply.status = 304;
            reply.body.clear();
        }
        reply
    }

    #[must_use]
    pub fn typed(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}
