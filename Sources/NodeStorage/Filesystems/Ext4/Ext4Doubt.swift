/// Why an ext4 cannot be called clean without e2fsck, which then judges.
///
/// The rule is e2fsck's own (`check_super_block`, `check_if_skip`, `e2fsck_check_ext3_journal` of e2fsprogs): what it looks at
/// before it says that a filesystem is clean and does nothing. What it would merely tolerate or mend in passing is a doubt
/// here, and so is everything that it knows and this does not.
enum Ext4Doubt: String, Error, CaseIterable {
    case unreadable = "a part of it cannot be read"
    case noSuperblock = "there is no superblock"
    case superblockChecksum = "the superblock has no right checksum"
    case unknownFeatures = "it has features that only e2fsck knows"
    case implausible = "the superblock says what cannot be"
    case tooLarge = "it is larger than its device"
    case manyGroups = "it has more groups than are worth reading twice"
    case notUnmounted = "it was not unmounted"
    case errors = "errors are recorded"
    case recovery = "its journal has to be replayed"
    case orphans = "files that were removed while open are left"
    case mountCount = "it was mounted as often as it may be without a check"
    case interval = "it was last checked too long ago"
    case clock = "it was checked or used at a time that is still to come"
    case groups = "its groups are described wrongly"
    case freeCounts = "the superblock counts other free blocks or inodes than the groups do"
    case copy = "the copy of the superblock differs"
    case journalInode = "the journal's inode is none"
    case manyExtents = "the journal is in many pieces"
    case journal = "the journal's superblock is none"
}
