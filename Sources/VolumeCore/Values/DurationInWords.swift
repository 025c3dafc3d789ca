extension Duration {
    /// For people: `10 s`, `2.5 s`, `300 ms`. What is longer than a second is rounded to a tenth of one.
    public var inWords: String {
        let milliseconds = Int64((self / .milliseconds(1)).rounded())
        guard abs(milliseconds) >= 1000 else { return "\(milliseconds) ms" }
        let tenths = (milliseconds + 50) / 100
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}
