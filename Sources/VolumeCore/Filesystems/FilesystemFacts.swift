/// All that the core knows of one filesystem.
public struct FilesystemFacts: Sendable {
    /// Where the superblock says which filesystem it is.
    public struct Mark: Sendable, Hashable {
        /// In bytes from the beginning of the device.
        public let offset: Int
        public let bytes: [UInt8]
    }

    /// Below this, the filesystem's own mkfs refuses or makes something of no use.
    public let minimumSize: VolumeSize
    public let maximumSize: VolumeSize
    public let mark: Mark
    /// The mount option that has it give blocks back as soon as it frees them; `no` before its name is the opposite.
    public let onlineDiscard: String
    /// The manual page of its mkfs.
    let mkfsPage: String
    /// The options of its mkfs that concern the volume alone: those of one letter, and those of two dashes.
    let mkfsLetters: [Character: OptionRule]
    let mkfsNames: [String: OptionRule]
    /// Its own mount options.
    let mountOptions: [String: OptionRule]
}
