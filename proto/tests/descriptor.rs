//! The wire shapes as a listing, so that every change to them shows in review, and a check that all are documented.

use std::collections::BTreeSet;

use lakewarden_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

#[test]
fn wire_shapes_are_those_reviewed() {
    let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut text = String::new();
    for file in descriptors.file.iter().filter(|file| file.package() == "lakewarden.v1") {
        text.push_str(&format!("# {}\n", file.name()));
        for service in &file.service {
            text.push_str(&format!("service {}\n", service.name()));
            for method in &service.method {
                let stream = if method.server_streaming() { "stream " } else { "" };
                let (input, output) = (short(method.input_type()), short(method.output_type()));
                text.push_str(&format!("  {}({input}) -> {stream}{output}\n", method.name()));
            }
        }
        file.enum_type.iter().for_each(|item| list_enum(item, &mut text));
        file.message_type.iter().for_each(|item| list_message(item, &mut text));
    }
    insta::assert_snapshot!("lakewarden.v1", text);
}

#[test]
fn descriptor_set_is_complete_for_reflection() {
    let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let held: BTreeSet<_> = descriptors.file.iter().map(|file| file.name().to_owned()).collect();
    for file in &descriptors.file {
        for import in &file.dependency {
            assert!(held.contains(import), "`{}` imports `{import}`, which is not in the set", file.name());
        }
        assert!(file.source_code_info.is_none(), "`{}` carries its comments", file.name());
    }
}

#[test]
fn everything_is_documented() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let files: Vec<_> =
        std::fs::read_dir(format!("{folder}/lakewarden/v1")).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(files.len() > 5, "only {} files found", files.len());
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_source_info(true).open_files(files).unwrap();
    let mut bare = Vec::new();
    for file in compiler.file_descriptor_set().file {
        let name = file.name().to_owned();
        for location in file.source_code_info.unwrap_or_default().location {
            // Paths of even length name a declaration (kind, index, kind, index, ...); 4 message, 5 enum, 6 service.
            let declared = matches!(location.path.as_slice(), [4..=6, _] | [4..=6, _, 2, _]);
            if declared && location.leading_comments().trim().is_empty() {
                bare.push(format!("{name}:{}", location.span.first().map_or(0, |line| line + 1)));
            }
        }
    }
    assert!(bare.is_empty(), "without a comment: {bare:?}");
}

fn list_message(message: &DescriptorProto, text: &mut String) {
    text.push_str(&format!("message {}\n", message.name()));
    for field in &message.field {
        text.push_str(&format!("  {:>2} {}: {}\n", field.number(), field.name(), describe(field, message)));
    }
}

fn list_enum(item: &EnumDescriptorProto, text: &mut String) {
    text.push_str(&format!("enum {}\n", item.name()));
    for value in &item.value {
        text.push_str(&format!("  {:>2} {}\n", value.number(), value.name()));
    }
}

fn describe(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let nested = message.nested_type.iter().find(|nested| field.type_name().ends_with(&format!(".{}", nested.name())));
    if let Some(entry) = nested {
        let of: Vec<_> = entry.field.iter().map(|field| describe(field, entry)).collect();
        return format!("map<{}>", of.join(", "));
    }
    let of = match field.r#type() {
        Type::Message | Type::Enum => short(field.type_name()).to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    let oneof = field.oneof_index.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
    match (field.label(), oneof) {
        (Label::Repeated, _) => format!("repeated {of}"),
        _ if field.proto3_optional() => format!("optional {of}"),
        (_, Some(oneof)) => format!("{of} (one of {})", oneof.name()),
        _ => of,
    }
}

fn short(name: &str) -> &str {
    name.trim_start_matches('.').trim_start_matches("lakewarden.v1.")
}
