// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The tcp-conformance authors
module glue

go 1.18
