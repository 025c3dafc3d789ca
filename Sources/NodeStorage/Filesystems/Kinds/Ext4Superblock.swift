/// What the plugin reads of an ext4 superblock (`struct ext4_super_block` of the kernel).
struct Ext4Superblock: Sendable, Hashable {
    private static let start = 1024
    /// How much of the device's beginning has to be read.
    static let end = start + 1024

    /// `s_errors`: what the kernel does at the first error that it finds, where no mount option says otherwise.
    let panicsOnErrors: Bool

    /// - Parameter head: the beginning of the device.
    init(head: [UInt8]) {
        let place = Self.start + 0x3C
        panicsOnErrors = head.count > place + 1 && head[place] == 3 && head[place + 1] == 0
    }
}
