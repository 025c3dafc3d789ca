/// What the words of `map-options` may be: those options of the kernel's rbd driver, from rbd(8), that tune the volume's own
/// mapping and nothing else.
///
/// All other options belong in `RBD_MAP_OPTIONS`, which the operator sets. A user who may create volumes must not decide how
/// the node speaks to the cluster.
enum MapOptionTable {
    /// The first word that a user cannot give.
    static func fault(in words: [String]) -> OptionFault? {
        for word in words {
            let (name, value) = OptionRule.divided(word)
            guard let rule = tuning[name] ?? refused[name] else {
                return OptionFault(
                    word: word, why: "is not an option that tunes the volume's own mapping",
                    remedy: "use \(tuning.keys.sorted().joined(separator: ", ")); \(forOperators)")
            }
            if let fault = rule.fault(name, value) { return fault }
        }
        return nil
    }

    private static let tuning: [String: OptionRule] = [
        // How many requests wait in the kernel at a time: some hundred bytes each, and the kernel's own maximum is 10,240.
        "queue_depth": .number,
        // Discards smaller than this are left out, and with `notrim` all are: the volume keeps space that its size grants
        // it anyway.
        "alloc_size": .number, "notrim": .flag,
        // Which replica answers a read. They hold the same data, since Ceph 15.
        "read_from_replica": .oneOf(["no", "balance", "localize"]), "crush_location": .text,
        // A hint for the volume's own objects. The pool's settings say whether the OSDs heed it.
        "compression_hint": .oneOf(["none", "compressible", "incompressible"]),
        // What is received goes through one more buffer, at the cost of this mapping's speed.
        "rxbounce": .flag,
        // What would wait fails: a write while the cluster is full, or one that needs the lock. It hits this volume alone.
        "abort_on_full": .flag, "lock_timeout": .number,
        // When the mapping's own connections send small messages.
        "tcp_nodelay": .flag, "notcp_nodelay": .flag,
        // What holds anyway.
        "rw": .flag, "noudev": .flag,
    ]

    private static let refused: [String: OptionRule] = {
        var rules: [String: OptionRule] = [:]
        for name in [
            "ms_mode", "crc", "nocrc", "cephx_sign_messages", "nocephx_sign_messages", "cephx_require_signatures",
            "nocephx_require_signatures",
        ] { rules[name] = operators("decides how safe the connection to the Ceph cluster is") }
        for name in ["ip", "fsid"] {
            rules[name] = operators("decides which Ceph cluster the node talks to, and from where")
        }
        rules["osd_request_timeout"] = operators("gives up writes that may still reach the disk")
        for name in ["mount_timeout", "osdkeepalive", "osd_idle_ttl"] {
            rules[name] = operators("changes time limits that the plugin relies on")
        }
        for name in ["lock_on_read", "exclusive"] {
            rules[name] = operators("keeps the image's lock from snapshots, resizing and other nodes")
        }
        for name in ["share", "noshare", "name", "key", "secret", "_pool_ns"] {
            rules[name] = .refused(why: "is set by the plugin itself", remedy: leaveOut)
        }
        for name in ["ro", "read_only"] {
            rules[name] = .refused(
                why: "maps the image without a watch, so other nodes could not see that it is in use",
                remedy: "use '-o mount-options=ro' instead")
        }
        return rules
    }()

    private static func operators(_ why: String) -> OptionRule {
        .refused(why: why, remedy: forOperators)
    }

    /// What goes without saying where a volume is made again without the option.
    static let leaveOut = "leave it out"

    private static let forOperators = "an operator can set it for all volumes in RBD_MAP_OPTIONS"
}
