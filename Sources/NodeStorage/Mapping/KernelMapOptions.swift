import VolumeCore

/// Options for mapping, which only the kernel's driver knows.
enum KernelMapOptions {
    /// Those that make it faster or slower and change nothing else: other mappers do without.
    private static let tuning: Set<Substring> = [
        "queue_depth", "alloc_size", "ms_mode", "crc", "nocrc", "tcp_nodelay", "notcp_nodelay", "notrim", "share",
        "noshare", "osdkeepalive", "osd_idle_ttl", "osd_request_timeout", "mount_timeout", "lock_timeout", "rxbounce",
        "compression_hint", "read_from_replica", "crush_location", "abort_on_full", "noudev", "rw",
    ]

    /// - Throws: `VolumeError` for an option that another mapper cannot leave out silently.
    static func refuseOthers(_ options: [String], mapper: String, what: String) throws {
        guard let option = options.first(where: { !tuning.contains($0.prefix { $0 != "=" }) }) else { return }
        throw VolumeError(
            .unsupported, what, why: "the mapper \(mapper) does not know the map option '\(option)'",
            remedy: "leave it out, or use RBD_MAPPER=krbd", outcome: .refused)
    }
}
