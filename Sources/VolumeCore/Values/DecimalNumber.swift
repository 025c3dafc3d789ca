/// A whole number as operators and Ceph write it: ASCII digits alone, with no sign, which `Int.init` would accept.
struct DecimalNumber<Value: FixedWidthInteger & UnsignedInteger> {
    let value: Value

    /// - Returns: `nil` when it is no such number, or too large.
    init?(_ text: some StringProtocol) {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let value = Value(text) else { return nil }
        self.value = value
    }
}
