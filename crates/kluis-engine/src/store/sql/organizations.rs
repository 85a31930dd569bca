//! Organizations.

statements! {
    NAME = "SELECT name FROM organization WHERE id = ?1";
    FIRST = "SELECT id FROM organization WHERE first = 1";
    /// Fails for a second first one.
    INSERT = "INSERT INTO organization (id, name, first, created_at) VALUES (?1, ?2, ?3, ?4)";
    /// Changes nothing; whoever decides by the organization's users waits here for the one who does so already.
    LOCK = "SELECT id FROM organization WHERE id = ?1";
}
