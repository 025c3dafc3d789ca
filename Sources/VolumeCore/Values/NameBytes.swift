/// The bytes that names of several kinds consist of.
enum NameBytes {
    /// Of ASCII: other letters look alike, and are different bytes to etcd, Ceph and the kernel.
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
