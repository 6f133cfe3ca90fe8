-- +goose Up

-- State is the JSON of archive.State.
CREATE TABLE archive_sites (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    zone TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- Generation counts the changes after which a process must forget the ids that it remembers.
-- Key is the key of the keyed hash of erased persons.
CREATE TABLE archive_meta (
    generation INTEGER NOT NULL,
    key BLOB NOT NULL
) STRICT;

-- The dictionaries. The id 0 is the empty text. An id is never used again. A text that the database
-- cannot index or hold is in raw, and text is then a hash of it.
CREATE TABLE archive_contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL UNIQUE,
    raw BLOB
) STRICT;
CREATE TABLE archive_devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL UNIQUE,
    raw BLOB
) STRICT;
CREATE TABLE archive_words (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL UNIQUE,
    raw BLOB
) STRICT;
INSERT INTO archive_contents (id, text) VALUES (0, '');
INSERT INTO archive_devices (id, text) VALUES (0, '');
INSERT INTO archive_words (id, text) VALUES (0, '');

-- Digest is the MD5 of the viewer's id. Text and raw are the id where a vendor shows it. All are NULL
-- once no row shows the person. Seal is the keyed hash of the MD5 of a person that was erased at a site.
CREATE TABLE archive_people (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB UNIQUE,
    text TEXT,
    raw BLOB,
    seal BLOB UNIQUE
) STRICT;

-- The persons that were erased, by site.
CREATE TABLE archive_erased (
    site INTEGER NOT NULL,
    person INTEGER NOT NULL,
    PRIMARY KEY (site, person)
) STRICT, WITHOUT ROWID;

-- All that rows have in common: numbers of enums, and ids of words. Hashed is 1 where the vendor shows the
-- viewer as MD5.
CREATE TABLE archive_shapes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    drm INTEGER NOT NULL,
    status INTEGER NOT NULL,
    code INTEGER NOT NULL,
    hashed INTEGER NOT NULL,
    integration INTEGER NOT NULL,
    platform INTEGER NOT NULL,
    model INTEGER NOT NULL,
    vendor_drm INTEGER NOT NULL,
    vendor_status INTEGER NOT NULL,
    UNIQUE (drm, status, code, hashed, integration, platform, model, vendor_drm, vendor_status)
) STRICT;

-- K is archive.Key. Person is 0 without a user, and the negative id where the person was erased.
-- Every index has k, since it ends with it. That of sites has all columns, so that a question about a site
-- reads only the index.
CREATE TABLE archive_rows (
    k INTEGER PRIMARY KEY,
    site INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    content INTEGER NOT NULL,
    person INTEGER NOT NULL,
    device INTEGER NOT NULL
) STRICT;
CREATE INDEX archive_rows_site ON archive_rows (site, k, outcome, shape, content, person, device);
CREATE INDEX archive_rows_person ON archive_rows (person);
CREATE INDEX archive_rows_device ON archive_rows (device);
CREATE INDEX archive_rows_content ON archive_rows (content) WHERE outcome = 2;
CREATE INDEX archive_rows_refused ON archive_rows (site) WHERE outcome = 2;

-- What is final: seconds from lo up to hi.
CREATE TABLE archive_spans (
    site INTEGER NOT NULL,
    lo INTEGER NOT NULL,
    hi INTEGER NOT NULL,
    PRIMARY KEY (site, lo)
) STRICT, WITHOUT ROWID;

-- The counts below are kept by the net change of each transaction. Hours are their first second. Days
-- count from 1970-01-01, and months are year * 100 + month, all in the site's zone.
CREATE TABLE archive_hour_totals (
    site INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    n INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (site, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_day_series (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    drm INTEGER NOT NULL,
    status INTEGER NOT NULL,
    code INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (site, day, drm, status, code)
) STRICT, WITHOUT ROWID;

-- Refused rows by code, with the exact persons and devices.
CREATE TABLE archive_day_refusals (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    code INTEGER NOT NULL,
    n INTEGER NOT NULL,
    users INTEGER NOT NULL,
    devices INTEGER NOT NULL,
    PRIMARY KEY (site, day, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_day_users (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    code INTEGER NOT NULL,
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (site, day, code, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_day_devices (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    code INTEGER NOT NULL,
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (site, day, code, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE archive_month_users (
    site INTEGER NOT NULL,
    month INTEGER NOT NULL,
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    PRIMARY KEY (site, month, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_month_devices (
    site INTEGER NOT NULL,
    month INTEGER NOT NULL,
    id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    PRIMARY KEY (site, month, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_month_totals (
    site INTEGER NOT NULL,
    month INTEGER NOT NULL,
    n INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    users INTEGER NOT NULL,
    devices INTEGER NOT NULL,
    no_user INTEGER NOT NULL,
    no_device INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    issued_users INTEGER NOT NULL,
    issued_devices INTEGER NOT NULL,
    issued_no_user INTEGER NOT NULL,
    issued_no_device INTEGER NOT NULL,
    PRIMARY KEY (site, month)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE archive_month_totals;
DROP TABLE archive_month_devices;
DROP TABLE archive_month_users;
DROP TABLE archive_day_devices;
DROP TABLE archive_day_users;
DROP TABLE archive_day_refusals;
DROP TABLE archive_day_series;
DROP TABLE archive_hour_totals;
DROP TABLE archive_spans;
DROP TABLE archive_rows;
DROP TABLE archive_shapes;
DROP TABLE archive_erased;
DROP TABLE archive_people;
DROP TABLE archive_words;
DROP TABLE archive_devices;
DROP TABLE archive_contents;
DROP TABLE archive_meta;
DROP TABLE archive_sites;
