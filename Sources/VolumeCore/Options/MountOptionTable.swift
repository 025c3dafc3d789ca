/// What the words of `mount-options` may be: for each filesystem the options that concern this volume alone, from mount(8),
/// ext4(5), xfs(5), btrfs(5) and what the kernel's drivers read.
///
/// A name that is in no table fails every Mount, so it is refused at Create. What reaches beyond the volume is refused also
/// of a volume that was created before the tables were.
struct MountOptionTable: Sendable {
    private let rules: [String: OptionRule]

    init(_ filesystem: FilesystemType) {
        rules = Self.general.merging(filesystem.facts.mountOptions) { $1 }
    }

    /// The first word that cannot be used.
    func fault(in words: [String]) -> OptionFault? {
        for word in words {
            if let fault = fault(word) { return fault }
        }
        return nil
    }

    /// The first word that is known to reach beyond the volume.
    func danger(in words: [String]) -> OptionFault? {
        words.lazy.compactMap(fault).first(where: \.reachesBeyond)
    }

    private func fault(_ word: String) -> OptionFault? {
        let (name, value) = OptionRule.divided(word)
        if name.lowercased().hasPrefix("x-") { return Self.forMountProgram.fault(name, value) }
        guard let rule = rules[name] else { return .unknown(word) }
        return rule.fault(name, value)
    }
}

// MARK: - mount(8)

extension MountOptionTable {
    private static let otherMount = OptionRule.refused(
        why: "asks for a mount other than the volume's own", remedy: "leave it out")
    private static let forMountProgram = OptionRule.refused(
        why: "is meant for programs of the host", remedy: "leave it out")

    /// Those that mean the same with every filesystem, and what fstab(5) has besides.
    static let generalNames = [
        "defaults", "auto", "noauto", "_netdev", "nofail", "user", "users", "owner", "group", "nouser", "nousers",
        "noowner", "nogroup", "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "sync", "async",
        "dirsync", "mand", "nomand", "noatime", "atime", "nodiratime", "diratime", "relatime", "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion", "noiversion", "nosymfollow", "symfollow",
        "silent", "loud",
    ]

    private static let general: [String: OptionRule] = {
        var rules = Dictionary(uniqueKeysWithValues: generalNames.map { ($0, OptionRule.flag) })
        for name in ["context", "fscontext", "defcontext", "rootcontext"] { rules[name] = .text }
        for name in ["bind", "rbind", "move", "remount"] { rules[name] = otherMount }
        for name in [
            "shared", "rshared", "private", "rprivate", "slave", "rslave", "unbindable", "runbindable",
        ] { rules[name] = otherMount }
        for name in ["loop", "offset", "sizelimit"] { rules[name] = .otherDevice }
        for name in ["helper", "uhelper", "encryption", "comment"] { rules[name] = forMountProgram }
        return rules
    }()
}

/// Options that more than one filesystem has.
extension OptionRule {
    static let hostPanicOfMount = OptionRule.refused(
        why: "would stop the whole host at the volume's first error", remedy: "leave it out, or use errors=remount-ro")
    static let forDebugging = OptionRule.refused(
        why: "is for the kernel's own tests, and breaks the volume or the host", remedy: "leave it out")
}
