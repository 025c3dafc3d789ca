import VolumeCore

/// Who this node is, and how much it does at a time.
public struct NodeSettings: Sendable, Equatable {
    /// Its name is unique among the nodes, the same after a reboot, and fit to be the last part of a key in etcd.
    public var identity: NodeIdentity
    /// The most volumes of one pool that are worked on at a time.
    public var operationsPerPool: Int

    /// Where the kernel tells the boot id.
    public static let bootIDFile = "/proc/sys/kernel/random/boot_id"
}

extension NodeSettings {
    init?(from reader: inout SettingsReader, hostName: String) {
        let name = Self.name(from: &reader, hostName: hostName)
        let bootID = Self.bootID(from: &reader)
        let operationsPerPool = reader.value(.operationsPerPool, Self.operationsPerPool)
        guard let name, let bootID, let operationsPerPool else { return nil }
        self.init(identity: NodeIdentity(node: name, boot: bootID), operationsPerPool: operationsPerPool)
    }

    private static func operationsPerPool(_ text: String) throws(Refusal) -> Int {
        guard let number = Int(text), (1...256).contains(number) else {
            throw Refusal("it must be a number from 1 to 256")
        }
        return number
    }

    private static func name(from reader: inout SettingsReader, hostName: String) -> String? {
        if reader.given(.nodeName) != nil { return reader.value(.nodeName, checkedName) }
        guard let name = try? checkedName(hostName) else {
            reader.note(
                Setting.nodeName.name,
                "The host name \(Text.quoted(hostName)) cannot serve as the name of this node: set NODE_NAME.")
            return nil
        }
        return name
    }

    private static func checkedName(_ text: String) throws(Refusal) -> String {
        guard Text.consists(text, ofLettersDigitsAnd: ".-_"), let first = text.first, !".-".contains(first),
            text.count <= 253
        else {
            throw Refusal("it must consist of letters, digits, \".\", \"-\" and \"_\", and be at most 253 long")
        }
        return text
    }

    private static func bootID(from reader: inout SettingsReader) -> String? {
        do {
            let text = Text.withoutFinalLineBreak(try reader.readFile(bootIDFile))
            if text.count == 36, text.allSatisfy({ $0.isHexDigit || $0 == "-" }) { return text.lowercased() }
            reader.note(bootIDFile, "\(bootIDFile) holds \(Text.quoted(text)), which is not a boot id.")
        } catch {
            reader.note(bootIDFile, "The id of this boot cannot be read from \(bootIDFile): \(error).")
        }
        return nil
    }
}
