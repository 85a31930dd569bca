//! One entry of the record, and its canonical bytes.

/// One act: who did what to which thing, how it ended. Borrowed from wherever it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its id.
    pub id: &'a [u8; 16],
    /// The organization it belongs to.
    pub organization: &'a [u8; 16],
    /// When it happened, in milliseconds since the epoch.
    pub at_millis: i64,
    /// `user`, `agent`, `server` or `anonymous`.
    pub actor_type: &'a str,
    /// Id of the actor, where there is one.
    pub actor: Option<&'a [u8; 16]>,
    /// Id of the credential that was used.
    pub credential: Option<&'a [u8; 16]>,
    /// Name of the action.
    pub action: &'a str,
    /// Kind of the thing it was done to.
    pub resource_type: &'a str,
    /// Id of that thing.
    pub resource: Option<&'a [u8; 16]>,
    /// How it ended: a word.
    pub outcome: &'a str,
    /// More, as the text of a JSON object.
    pub details: &'a str,
    /// The client's address.
    pub address: &'a str,
    /// How many events it stands for.
    pub count: i64,
}

impl<'a> Entry<'a> {
    /// Append the canonical bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        out.extend_from_slice(self.id);
        out.extend_from_slice(self.organization);
        out.extend_from_slice(&self.at_millis.to_be_bytes());
        put(out, self.actor_type.as_bytes());
        put(out, bytes_of(self.actor));
        put(out, bytes_of(self.credential));
        put(out, self.action.as_bytes());
        put(out, self.resource_type.as_bytes());
        put(out, bytes_of(self.resource));
        put(out, self.outcome.as_bytes());
        put(out, self.details.as_bytes());
        put(out, self.address.as_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
    }

    /// Read canonical bytes back; `None` when they are not exactly one entry of this format.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut input = Input(bytes);
        if input.array::<1>()? != &[FORMAT] {
            return None;
        }
        let entry = Self {
            id: input.array()?,
            organization: input.array()?,
            at_millis: i64::from_be_bytes(*input.array()?),
            actor_type: input.text()?,
            actor: input.id().ok()?,
            credential: input.id().ok()?,
            action: input.text()?,
            resource_type: input.text()?,
            resource: input.id().ok()?,
            outcome: input.text()?,
            details: input.text()?,
            address: input.text()?,
            count: i64::from_be_bytes(*input.array()?),
        };
        input.0.is_empty().then_some(entry)
    }
}

/// Names this encoding; another one gets another byte.
const FORMAT: u8 = 1;

fn bytes_of(id: Option<&[u8; 16]>) -> &[u8] {
    id.map_or(&[], <[u8; 16]>::as_slice)
}

fn put(out: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field);
}

/// Not what was encoded.
struct Malformed;

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(head)
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(*self.array()?)).ok()?;
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.field()?).ok()
    }

    /// An id, or none where the field is empty; `Err` where it is neither.
    fn id(&mut self) -> Result<Option<&'a [u8; 16]>, Malformed> {
        match self.field().ok_or(Malformed)? {
            [] => Ok(None),
            id => id.try_into().map(Some).map_err(|_| Malformed),
        }
    }
}
