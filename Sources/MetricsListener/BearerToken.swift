/// A token as HTTP carries it (RFC 6750).
enum BearerToken {
    /// The token in a header `Authorization`; `nil` when it has none.
    static func shown(in header: String?) -> String? {
        guard let parts = header?.split(separator: " ", maxSplits: 1), parts.count == 2,
            parts[0].lowercased() == "bearer"
        else { return nil }
        let token = parts[1].drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }

    /// Takes as long for one that is wrong at its beginning as for one that is wrong at its end.
    static func isSame(_ shown: String?, as expected: String) -> Bool {
        guard let shown, !expected.isEmpty, shown.utf8.count == expected.utf8.count else { return false }
        var difference: UInt8 = 0
        for (mine, theirs) in zip(expected.utf8, shown.utf8) { difference |= mine ^ theirs }
        return difference == 0
    }
}
