//! Cursors of lists: a place in a list that its reader carries, and cannot make up.

use kluis_crypto::mac::TAG_LENGTH;

use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;

impl Engine {
    /// Tag `place`, so that only [`cursor_open`](Self::cursor_open) with the same `list`, for the same organization,
    /// gives it back. `list` says which list it is and how it is filtered and sorted. Nothing is hidden by it.
    pub fn cursor_seal(
        &self,
        caller: &Caller,
        list: &[u8],
        place: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let (keys, length) = (self.keys()?, length(list));
        let tag = keys.cursors().tag(&parts(caller, &length, list, place));
        Ok([tag.as_slice(), place].concat())
    }

    /// The place in a cursor that [`cursor_seal`](Self::cursor_seal) made for this list, on whichever node; `None`
    /// for anything else.
    pub fn cursor_open<'a>(
        &self,
        caller: &Caller,
        list: &[u8],
        cursor: &'a [u8],
    ) -> Result<Option<&'a [u8]>, Error> {
        let (keys, length) = (self.keys()?, length(list));
        Ok(cursor
            .split_first_chunk::<TAG_LENGTH>()
            .filter(|(tag, place)| {
                let parts = parts(caller, &length, list, place);
                keys.cursors().is_tag_of(&parts, tag.as_slice())
            })
            .map(|(_, place)| place))
    }
}

/// What a cursor's tag covers: the organization, the list behind its length, the place.
fn parts<'a>(
    caller: &'a Caller,
    length: &'a [u8; 8],
    list: &'a [u8],
    place: &'a [u8],
) -> [&'a [u8]; 4] {
    [caller.organization.bytes(), length, list, place]
}

fn length(list: &[u8]) -> [u8; 8] {
    u64::try_from(list.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use crate::ids::OrganizationId;
    use crate::testing::Home;

    /// NT-10
    #[tokio::test]
    async fn a_cursor_opens_its_own_list_of_its_own_organization_and_nothing_else() {
        let home = Home::new().await;
        let (engine, owner) = (&home.engine, &home.owner);
        let cursor = engine.cursor_seal(owner, b"users", b"place").unwrap();
        let open = |caller, list: &[u8], cursor: &[u8]| {
            let place = engine.cursor_open(caller, list, cursor).unwrap();
            place.map(<[u8]>::to_vec)
        };
        assert_eq!(open(owner, b"users", &cursor), Some(b"place".to_vec()));
        assert_eq!(open(owner, b"keys", &cursor), None);
        let mut stranger = owner.clone();
        stranger.organization = OrganizationId::generate(home.clock.now()).unwrap();
        assert_eq!(open(&stranger, b"users", &cursor), None);
        for byte in 0..cursor.len() {
            let mut forged = cursor.clone();
            forged[byte] ^= 1;
            assert_eq!(open(owner, b"users", &forged), None, "byte {byte}");
            assert_eq!(open(owner, b"users", &cursor[..byte]), None, "{byte} bytes");
        }
        // A place does not run over into the list's name.
        let cursor = engine.cursor_seal(owner, b"us", b"erspl").unwrap();
        assert_eq!(open(owner, b"usersp", &cursor), None);
        assert_eq!(open(owner, b"", &cursor), None);
    }
}
