/// The name of one set of records: of a Ceph cluster, since a moment. Copied records keep it.
public enum HomeName {
    /// A few letters and digits that two sets of records do not share but by an accident of one in 2^48.
    /// - Parameters:
    ///   - fsid: of the Ceph cluster.
    ///   - since: when the records became that cluster's.
    public static func make(fsid: String, since: String) -> String {
        // FNV-1a of 64 bits, as it must be the same on every node and in every version.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(fsid) \(since)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash & 0xffff_ffff_ffff, radix: 16)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }
}
