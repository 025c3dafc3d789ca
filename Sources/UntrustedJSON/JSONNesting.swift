/// How deep the arrays and objects of a JSON text lie in each other.
package enum JSONNesting {
    /// Says nothing of whether the text is JSON in all else.
    package static func exceeds(_ limit: Int, in bytes: [UInt8]) -> Bool {
        var (depth, isText, isEscaped) = (0, false, false)
        return bytes.withUnsafeBufferPointer { bytes in
            for byte in bytes {
                if isText {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isText = false
                    }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "["), UInt8(ascii: "{"):
                    depth += 1
                    if depth > limit { return true }
                case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
                default: break
                }
            }
            return false
        }
    }
}
