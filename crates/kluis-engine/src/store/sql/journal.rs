//! How far the journal of reads is carried.

statements! {
    POSITION = "SELECT segment, byte_offset FROM journal_position WHERE id = 1";
    KEEP_POSITION = "INSERT INTO journal_position (id, segment, byte_offset) VALUES (1, ?1, ?2)
        ON CONFLICT (id) DO UPDATE SET segment = excluded.segment, byte_offset = excluded.byte_offset";
}
