/// The readers of values that people write in options of volumes and in settings of the plugin alike. Each kind of value has
/// one reader, so that a setting cannot come to differ from the option that it stands in for.
package enum ValueReader {
    package static func size(_ text: String) throws(UnfitText) -> VolumeSize {
        if let size = VolumeSize(parsing: text) { return size }
        if let size = SizeText(text), !size.isWhole, size.mebibytes < VolumeSize.maximum.bytes >> 20 {
            let below = size.mebibytes > 0 ? "\(size.mebibytes)M or " : ""
            throw UnfitText(accepts: "a whole number of MB (2^20 bytes): write \(below)\(size.mebibytes + 1)M")
        }
        throw UnfitText(
            accepts:
                "a size from 1M to \(VolumeSize.maximum), such as 512 (a bare number is MB), 512M, 1.5G, 10GiB or 1T")
    }

    package static func order(_ text: String) throws(UnfitText) -> UInt8 {
        guard let order = UInt8(text), (12...25).contains(order) else {
            throw UnfitText(accepts: "a number from 12 (objects of 4 KiB) to 25 (objects of 32 MiB)")
        }
        return order
    }

    package static func filesystem(_ text: String) throws(UnfitText) -> FilesystemType {
        guard let type = FilesystemType(rawValue: text.lowercased()) else {
            throw UnfitText(accepts: "one of \(FilesystemType.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return type
    }

    package static func access(_ text: String) throws(UnfitText) -> VolumeAccess {
        guard let access = VolumeAccess(rawValue: text.lowercased()) else {
            throw UnfitText(accepts: VolumeAccess.allCases.map(\.rawValue).joined(separator: " or "))
        }
        return access
    }

    /// A pool or namespace name that can neither be taken for a tool's option nor change an image's path.
    package static func place(_ text: String) throws(UnfitText) -> String {
        let bad = text.unicodeScalars.contains {
            $0 == "/" || $0 == "@" || $0.properties.isWhitespace || $0.value < 0x20 || $0.value == 0x7f
        }
        guard !text.isEmpty, !text.hasPrefix("-"), !bad, text.utf8.count <= 200 else {
            throw UnfitText(accepts: "a name without blanks, '/', '@' or a leading '-'")
        }
        return text
    }

    package static func flag(_ text: String) throws(UnfitText) -> Bool {
        switch text.lowercased() {
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default: throw UnfitText(accepts: "true or false")
        }
    }
}

/// A text that is no such value.
package struct UnfitText: Error {
    /// What is accepted. Completes "it is not …" and "it must be …".
    package let accepts: String
}
