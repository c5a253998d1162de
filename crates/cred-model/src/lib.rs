//! What a credential store keeps and what it promises: credentials, documents, versions, errors
