/// If every comparison holds, etcd performs `then`, else `otherwise`: either all of it in one revision, or nothing.
public struct Transaction: Sendable, Equatable {
    public var when: [Comparison]
    public var then: [Operation]
    public var otherwise: [Operation]

    public init(when: [Comparison], then: [Operation], otherwise: [Operation] = []) {
        self.when = when
        self.then = then
        self.otherwise = otherwise
    }
}

/// A condition on a key.
public struct Comparison: Sendable, Equatable {
    public enum Relation: String, Sendable {
        case equal = "EQUAL"
        case notEqual = "NOT_EQUAL"
        case greater = "GREATER"
        case less = "LESS"
    }

    enum Target: Sendable, Equatable {
        case version(Int64)
        case createRevision(Int64)
        case modRevision(Int64)
        case value([UInt8])
        case lease(LeaseID)
    }

    let key: String
    let relation: Relation
    let target: Target

    /// There is no such key.
    public static func keyAbsent(_ key: String) -> Comparison {
        createRevision(key, .equal, 0)
    }

    public static func keyPresent(_ key: String) -> Comparison {
        createRevision(key, .greater, 0)
    }

    /// The key has not been written since it was read with this `modRevision`.
    public static func modRevision(_ key: String, equals revision: Int64) -> Comparison {
        modRevision(key, .equal, revision)
    }

    /// The key was not deleted and created again.
    public static func createRevision(_ key: String, equals revision: Int64) -> Comparison {
        createRevision(key, .equal, revision)
    }

    public static func version(_ key: String, equals version: Int64) -> Comparison {
        self.version(key, .equal, version)
    }

    /// Never true if the key does not exist.
    public static func value(_ key: String, equals value: [UInt8]) -> Comparison {
        self.value(key, .equal, value)
    }

    public static func lease(_ key: String, equals lease: LeaseID) -> Comparison {
        self.lease(key, .equal, lease)
    }

    /// A key that does not exist has `modRevision` 0.
    public static func modRevision(_ key: String, _ relation: Relation, _ revision: Int64) -> Comparison {
        Comparison(key: key, relation: relation, target: .modRevision(revision))
    }

    public static func createRevision(_ key: String, _ relation: Relation, _ revision: Int64) -> Comparison {
        Comparison(key: key, relation: relation, target: .createRevision(revision))
    }

    public static func version(_ key: String, _ relation: Relation, _ version: Int64) -> Comparison {
        Comparison(key: key, relation: relation, target: .version(version))
    }

    public static func value(_ key: String, _ relation: Relation, _ value: [UInt8]) -> Comparison {
        Comparison(key: key, relation: relation, target: .value(value))
    }

    public static func lease(_ key: String, _ relation: Relation, _ lease: LeaseID) -> Comparison {
        Comparison(key: key, relation: relation, target: .lease(lease))
    }
}

/// One step of a transaction. A key may be written only once in a transaction; etcd refuses it otherwise.
public enum Operation: Sendable, Equatable {
    case put(key: String, value: [UInt8], lease: LeaseID?)
    case delete(KeyRange)
    case range(RangeRequest)

    public static func put(_ key: String, _ value: [UInt8], lease: LeaseID? = nil) -> Operation {
        .put(key: key, value: value, lease: lease)
    }

    public static func put(_ key: String, _ value: String, lease: LeaseID? = nil) -> Operation {
        .put(key: key, value: Array(value.utf8), lease: lease)
    }

    public static func delete(_ key: String) -> Operation { .delete(.key(key)) }

    /// Reads one key within the transaction.
    public static func get(_ key: String) -> Operation { .range(RangeRequest(.key(key))) }
}

public struct TransactionResponse: Sendable, Equatable {
    /// True if every comparison held, so that etcd performed `then`.
    public var succeeded: Bool
    /// The store's revision after the transaction, which is the `modRevision` of the keys that it wrote.
    public var revision: Int64
    /// One response for each operation of the branch that was taken, in the same order.
    public var responses: [OperationResponse]
}

public enum OperationResponse: Sendable, Equatable {
    case put
    case delete(deleted: Int64)
    case range(RangeResponse)

    /// The keys of a range; empty for other operations.
    public var kvs: [KeyValue] {
        if case .range(let response) = self { response.kvs } else { [] }
    }
}
