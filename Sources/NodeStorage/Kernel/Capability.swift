/// A capability of Linux (capabilities(7)) that something here cannot do without.
public enum Capability: UInt64, Sendable {
    /// To open what belongs to others, such as the root folder of a volume.
    case dacOverride = 1
    /// What the kernel demands of those who tell it of a filesystem's new size, or of a device's.
    case sysAdmin = 21
    /// What ext4 demands of those who grow it while it is mounted.
    case sysResource = 24

    var name: String {
        switch self {
        case .dacOverride: "CAP_DAC_OVERRIDE"
        case .sysAdmin: "CAP_SYS_ADMIN"
        case .sysResource: "CAP_SYS_RESOURCE"
        }
    }

    /// Whether this process has it. Blocking.
    func isHeld() throws -> Bool { isHeld(in: try SmallFile.read("/proc/self/status")) }

    /// - Parameter status: the text of `/proc/<pid>/status`.
    func isHeld(in status: String) -> Bool {
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let digits = line?.split(whereSeparator: \.isWhitespace).last, let held = UInt64(digits, radix: 16) else {
            return false
        }
        return held & (1 << rawValue) != 0
    }

    /// As the kernel counts them: a bit for each.
    static func mask(_ capabilities: Set<Capability>) -> UInt64 { capabilities.reduce(0) { $0 | 1 << $1.rawValue } }
}
