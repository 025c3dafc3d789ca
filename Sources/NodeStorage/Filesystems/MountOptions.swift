import Glibc

/// Mount options in the kernel's terms: those that mean the same with every filesystem are bits for mount(2), the others
/// are the filesystem's own and go to it as they are (mount(8), "filesystem-independent mount options").
struct MountOptions: Hashable {
    private(set) var flags = 0
    /// Of the filesystem, joined by commas.
    private(set) var data = ""

    /// Of two that contradict each other the last one counts.
    init(_ words: [String]) {
        var own: [String] = []
        for word in words.flatMap({ Self.meaning[$0] ?? [$0] }) {
            if let (bit, isSet) = Self.bits[word] {
                flags = isSet ? flags | bit : flags & ~bit
            } else {
                own.append(word)
            }
        }
        data = own.joined(separator: ",")
    }

    var isReadOnly: Bool { flags & MS_RDONLY != 0 }

    /// Whether the words say what an error of the filesystem does.
    var saysWhatErrorsDo: Bool { data.split(separator: ",").contains { $0.hasPrefix("errors=") } }

    /// The first error makes the filesystem read-only, whatever its superblock says.
    mutating func addRemountOnErrors() {
        data += (data.isEmpty ? "" : ",") + "errors=remount-ro"
    }

    /// The same, but read-only.
    var readOnly: MountOptions {
        var options = self
        options.flags |= MS_RDONLY
        return options
    }

    /// What fstab(5) has for those who read it. To the kernel it is nothing, or what comes with it.
    static let meaning: [String: [String]] = [
        "defaults": [], "auto": [], "noauto": [], "_netdev": [], "nofail": [],
        "user": ["noexec", "nosuid", "nodev"], "users": ["noexec", "nosuid", "nodev"],
        "owner": ["nosuid", "nodev"], "group": ["nosuid", "nodev"],
        "nouser": [], "nousers": [], "noowner": [], "nogroup": [],
    ]

    static let bits: [String: (bit: Int, isSet: Bool)] = [
        "ro": (MS_RDONLY, true), "rw": (MS_RDONLY, false),
        "nosuid": (MS_NOSUID, true), "suid": (MS_NOSUID, false),
        "nodev": (MS_NODEV, true), "dev": (MS_NODEV, false),
        "noexec": (MS_NOEXEC, true), "exec": (MS_NOEXEC, false),
        "sync": (MS_SYNCHRONOUS, true), "async": (MS_SYNCHRONOUS, false),
        "dirsync": (MS_DIRSYNC, true),
        "mand": (MS_MANDLOCK, true), "nomand": (MS_MANDLOCK, false),
        "noatime": (MS_NOATIME, true), "atime": (MS_NOATIME, false),
        "nodiratime": (MS_NODIRATIME, true), "diratime": (MS_NODIRATIME, false),
        "relatime": (MS_RELATIME, true), "norelatime": (MS_RELATIME, false),
        "strictatime": (MS_STRICTATIME, true), "nostrictatime": (MS_STRICTATIME, false),
        "lazytime": (MS_LAZYTIME, true), "nolazytime": (MS_LAZYTIME, false),
        "iversion": (MS_I_VERSION, true), "noiversion": (MS_I_VERSION, false),
        "nosymfollow": (MS_NOSYMFOLLOW, true), "symfollow": (MS_NOSYMFOLLOW, false),
        "silent": (MS_SILENT, true), "loud": (MS_SILENT, false),
    ]
}
