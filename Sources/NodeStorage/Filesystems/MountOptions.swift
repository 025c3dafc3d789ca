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

    var isReadOnly: Bool { flags & Int(MS_RDONLY) != 0 }

    /// Whether the words say what an error of the filesystem does.
    var saysWhatErrorsDo: Bool { data.split(separator: ",").contains { $0.hasPrefix("errors=") } }

    /// The first error makes the filesystem read-only, whatever its superblock says.
    mutating func addRemountOnErrors() {
        data += (data.isEmpty ? "" : ",") + "errors=remount-ro"
    }

    /// The same, but read-only.
    var readOnly: MountOptions {
        var options = self
        options.flags |= Int(MS_RDONLY)
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
        "ro": on(MS_RDONLY), "rw": off(MS_RDONLY),
        "nosuid": on(MS_NOSUID), "suid": off(MS_NOSUID),
        "nodev": on(MS_NODEV), "dev": off(MS_NODEV),
        "noexec": on(MS_NOEXEC), "exec": off(MS_NOEXEC),
        "sync": on(MS_SYNCHRONOUS), "async": off(MS_SYNCHRONOUS),
        "dirsync": on(MS_DIRSYNC),
        "mand": on(MS_MANDLOCK), "nomand": off(MS_MANDLOCK),
        "noatime": on(MS_NOATIME), "atime": off(MS_NOATIME),
        "nodiratime": on(MS_NODIRATIME), "diratime": off(MS_NODIRATIME),
        "relatime": on(MS_RELATIME), "norelatime": off(MS_RELATIME),
        "strictatime": on(MS_STRICTATIME), "nostrictatime": off(MS_STRICTATIME),
        "lazytime": on(MS_LAZYTIME), "nolazytime": off(MS_LAZYTIME),
        "iversion": on(MS_I_VERSION), "noiversion": off(MS_I_VERSION),
        "nosymfollow": on(MS_NOSYMFOLLOW), "symfollow": off(MS_NOSYMFOLLOW),
        "silent": on(MS_SILENT), "loud": off(MS_SILENT),
    ]

    // glibc 2.43 and later give the flags as unsigned numbers, older ones as signed ones.

    private static func on(_ flag: some BinaryInteger) -> (bit: Int, isSet: Bool) { (Int(flag), true) }

    private static func off(_ flag: some BinaryInteger) -> (bit: Int, isSet: Bool) { (Int(flag), false) }
}
