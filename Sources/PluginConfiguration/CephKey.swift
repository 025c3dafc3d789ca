import FoundationEssentials

extension CephClientSettings {
    /// Recognises what `ceph auth get-key` prints: base64 of a type, a time, a length and that many bytes.
    ///
    /// Ceph itself says no more than "failed to decode key" or, later, "operation not permitted".
    static func checkKey(_ text: String) throws(Refusal) {
        let headerLength = 12
        guard let bytes = Data(base64Encoded: text), bytes.count > headerLength else { throw notAKey }
        let declared = Int(bytes[headerLength - 2]) | Int(bytes[headerLength - 1]) << 8
        guard bytes.count == headerLength + declared else { throw notAKey }
    }

    private static var notAKey: Refusal {
        Refusal("it is not a complete Ceph key, as `ceph auth get-key client.NAME` prints it")
    }
}
